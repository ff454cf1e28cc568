// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package setup turns what an administrator wants into what has to be there:
// a [Spec], written by hand, by flags or by the wizard, becomes a [Desired] with
// every flag, file, folder and mount, and the reason of each. It is pure: it
// reads no file and knows no host. Whatever is wrong with a Spec is reported at
// once, each problem at the line of the file or under the flag that said it.
package setup

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/profiles"
	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

// The type of a spec file. A key more does not change the version; a key less,
// or one that means something else, does.
const (
	APIVersion = "auditsetup.io/v1alpha1"
	Kind       = "AuditSetup"
)

// Spec says what an administrator wants, and no more than that: everything left
// out has a default that [Resolve] fills in and gives the reason of. Its zero
// value is a complete wish: the recommended profile, logged to a file.
type Spec struct {
	// APIVersion and Kind must be those of this package in a file; flags need
	// not set them.
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// KubeVersion of the kube-apiserver, such as "1.37" or "v1.37.1". Empty:
	// the tag of the image in the manifest tells.
	KubeVersion string `json:"kubeVersion,omitempty"`
	Policy      Policy `json:"policy,omitzero"`
	// Backends that get the events. Empty: the log, and the webhook when Webhook
	// names its receiver; see [Spec.Sinks].
	Backends []Backend `json:"backends,omitempty"`
	// Receiver is the program at the other end, one of tuning.ReceiverNames: what
	// it takes by its own defaults counts where Webhook does not say it. Empty: not
	// known.
	Receiver string  `json:"receiver,omitempty"`
	Load     Load    `json:"load,omitzero"`
	Log      Log     `json:"log,omitzero"`
	Webhook  Webhook `json:"webhook,omitzero"`
	// Flags set kube-apiserver's audit flags by hand, over whatever was
	// computed; names are without dashes.
	Flags map[string]string `json:"flags,omitempty"`
	// Persist is where the setup is kept for kubeadm, which writes the manifest
	// anew on every upgrade: one of [Persists]. Empty: where it is kept already,
	// else in the ConfigMap on a running machine. Only the commands that change a
	// host heed it.
	Persist string `json:"persist,omitempty"`
	// TakeOver lets audit settings be replaced that somebody else made.
	TakeOver bool `json:"takeOver,omitempty"`
}

// Policy says what is recorded. Profile and File exclude each other; neither
// means the profile "recommended".
type Policy struct {
	// Profile is a name from `auditsetup profiles list`.
	Profile string `json:"profile,omitempty"`
	// File is an audit policy of the administrator's own, on the machine on
	// which auditsetup runs. In a spec file it is looked for where that is.
	File string `json:"file,omitempty"`
	// Path is where the policy goes on the control plane. Empty:
	// /etc/kubernetes/audit/policy.yaml. Its folder is mounted into the
	// kube-apiserver, so it should hold nothing else.
	Path string `json:"path,omitempty"`
	// ExtraRules stand in front of all rules of the profile or file, in this
	// order, and so win over them.
	ExtraRules []ExtraRule `json:"extraRules,omitempty"`
}

// ExtraRule is a rule of the administrator's own, or a profile for some requests.
type ExtraRule = profiles.ExtraRule

// Backend is where events go.
type Backend string

// The backends of kube-apiserver.
const (
	LogBackend     Backend = "log"
	WebhookBackend Backend = "webhook"
)

// Load is what the kube-apiserver has to cope with. Fields that are nil or
// empty come from the profile or from tuning.Defaults.
type Load struct {
	// RequestsPerSecond at peak, of one API server.
	RequestsPerSecond *float64 `json:"requestsPerSecond,omitempty"`
	// ClusterRequestsPerSecond is the peak of all API servers together, given in
	// place of RequestsPerSecond: one of them is then taken to be away.
	ClusterRequestsPerSecond *float64 `json:"clusterRequestsPerSecond,omitempty"`
	// MeanRequestsPerSecond is the mean, over days, of what was given as the
	// peak: of one API server or of all. PeakFactor says the same in another way,
	// as peak over mean; the two exclude each other. Without either the peak
	// counts as the mean.
	MeanRequestsPerSecond *float64 `json:"meanRequestsPerSecond,omitempty"`
	PeakFactor            *float64 `json:"peakFactor,omitempty"`
	// Servers is how many API servers the cluster has; nil is one.
	Servers *int `json:"servers,omitempty"`
	// EventsPerRequest that reach the backend, on average.
	EventsPerRequest *float64 `json:"eventsPerRequest,omitempty"`
	// BytesPerEvent on average, serialized.
	BytesPerEvent *float64 `json:"bytesPerEvent,omitempty"`
	// Stall of receiver or disk to live through without loss, such as "30s".
	Stall string `json:"stall,omitempty"`
	// Outage of the webhook's receiver that is to be told the cost of, such as
	// "5m".
	Outage string `json:"outage,omitempty"`
	// MemoryBudget is the most that events may take of the API server's memory,
	// such as "512Mi". Empty: none.
	MemoryBudget string `json:"memoryBudget,omitempty"`
	// Headroom is the factor by which throttle and buffer exceed the need.
	Headroom *float64 `json:"headroom,omitempty"`
	// BatchSize in events; nil has it chosen.
	BatchSize *int `json:"batchSize,omitempty"`
	// MaxWait for a batch to fill, such as "1s"; empty has it chosen.
	MaxWait string `json:"maxWait,omitempty"`
}

// Log is the log file.
type Log struct {
	// Path on the control plane. Empty: /var/log/kubernetes/audit/audit.log.
	// Its folder is mounted into the kube-apiserver.
	Path string `json:"path,omitempty"`
	// Mode is "blocking" (the default: no event is lost, a request waits for
	// the disk), "blocking-strict" (and fails when its first event cannot be
	// written) or "batch".
	Mode string `json:"mode,omitempty"`
	// Retention is how far back the log should reach, such as "30d".
	Retention string `json:"retention,omitempty"`
	// DiskBudget is the most that the log may take of the disk, such as "20Gi".
	DiskBudget string `json:"diskBudget,omitempty"`
	// Compress has rotated files compressed; needs Kubernetes 1.20.
	Compress bool `json:"compress,omitempty"`
}

// Webhook is the receiver of the webhook backend. URL and ConfigFile exclude
// each other; one of them is needed when the backend is among [Spec.Backends],
// and puts it there, beside the log, when those are empty.
// It never holds a secret, only the names of files with them.
type Webhook struct {
	// URL of the receiver, https or http, without user, password and query. Beyond
	// loopback http is warned of.
	URL string `json:"url,omitempty"`
	// CAFile, ClientCertificateFile, ClientKeyFile and TokenFile are absolute
	// paths on the control plane, each empty when it is not needed. They stay
	// where they are, and their folders are mounted into the kube-apiserver.
	CAFile                string `json:"caFile,omitempty"`
	ClientCertificateFile string `json:"clientCertificateFile,omitempty"`
	ClientKeyFile         string `json:"clientKeyFile,omitempty"`
	TokenFile             string `json:"tokenFile,omitempty"`
	// InsecureSkipTLSVerify takes any certificate of the receiver for good.
	InsecureSkipTLSVerify bool `json:"insecureSkipTLSVerify,omitempty"`
	// ConfigFile is a kubeconfig of the administrator's own, on the machine on
	// which auditsetup runs, which is taken as it is. In a spec file it is looked
	// for where that is.
	ConfigFile string `json:"configFile,omitempty"`
	// Path is where the kubeconfig goes on the control plane. Empty:
	// /etc/kubernetes/audit/webhook.yaml.
	Path string `json:"path,omitempty"`
	// Mode is "batch" (the default), "blocking" or "blocking-strict".
	Mode string `json:"mode,omitempty"`
	// InitialBackoff before a failed request is tried again, such as "5s", above 0
	// and up to 10m. Empty: upstream's 10 s.
	InitialBackoff string `json:"initialBackoff,omitempty"`
	// MaxEventSize and MaxBody are the most that the receiver takes, as one event
	// and as one request, such as "100Ki" and "1Mi". Empty: what upstream cuts
	// events at, and 10 MiB.
	MaxEventSize string `json:"maxEventSize,omitempty"`
	MaxBody      string `json:"maxBody,omitempty"`
}

// Decode reads a spec file strictly: unknown and duplicate keys, values of the
// wrong kind, and another apiVersion or kind are [document.Problems], all of
// them at once. The Origins tell [Resolve] at which line each value stands.
func Decode(file string, data []byte) (Spec, Origins, error) {
	var s Spec
	problems := document.ProblemsOf(document.DecodeStrict(file, data, &s))
	root, err := document.Parse(file, data)
	if root == nil {
		return s, nil, err
	}
	if root.Kind != yaml.MappingNode {
		return s, Origins{}, problems.Err()
	}
	for _, head := range []struct{ key, got, want string }{{"apiVersion", s.APIVersion, APIVersion}, {"kind", s.Kind, Kind}} {
		at, found := document.Find(root, head.key)
		if head.got == head.want || slices.ContainsFunc(problems, func(p document.Problem) bool { return p.Line == at.Line && found }) {
			continue
		}
		what := fmt.Sprintf("%s is missing", head.key)
		if found {
			what = fmt.Sprintf("%s is %q", head.key, head.got)
		}
		problems = append(problems, document.ProblemAt(file, at, what, "write "+head.key+": "+head.want))
	}
	problems.Sort()
	return s, originsOf(file, root), problems.Err()
}

// Encode writes a spec file, ending in a newline.
func (s Spec) Encode() ([]byte, error) {
	s.APIVersion, s.Kind = APIVersion, Kind
	text, err := sigsyaml.Marshal(s)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString("# An audit setup, for: auditsetup enable -f FILE\n")
	out.Write(text)
	return out.Bytes(), nil
}

// Origins tell where the values of a Spec were said, by their path such as
// "log.retention": at a line of a file, or in a flag. The nil Origins know
// nothing.
type Origins map[string]document.Problem

// Flag notes that the value at path was given by a flag, named with its dashes.
func (o Origins) Flag(path, flag string) { o[path] = document.Problem{File: flag} }

// Problem is one about the value at path.
func (o Origins) Problem(path, what, hint string) document.Problem {
	p, ok := o[path]
	if !ok {
		p.File = path
	}
	p.What, p.Hint = what, hint
	return p
}

func originsOf(file string, root *yaml.Node) Origins {
	o := Origins{}
	o.collect(file, "", root)
	return o
}

func (o Origins) collect(file, path string, n *yaml.Node) {
	if path != "" {
		o[path] = document.ProblemAt(file, n, "", "")
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if path != "" {
				key = path + "." + key
			}
			o.collect(file, key, n.Content[i+1])
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			o.collect(file, fmt.Sprintf("%s[%d]", path, i), item)
		}
	}
}
