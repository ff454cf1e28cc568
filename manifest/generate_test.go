// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/manifest"
)

// A pair is a key with its value, in the order in which it is to be written.
type pair struct {
	key   string
	value any // text, nothing, []any, []pair, or anything that encodes as JSON
}

// text is a string that may be written in any style; nothing is a null.
type (
	text    string
	nothing struct{}
)

// generator writes random kube-apiserver pods in random styles of YAML: what
// people, editors and tools might make of one. What it writes is always a pod
// that the kubelet runs.
type generator struct {
	*rand.Rand
	out strings.Builder
	// loose counts how deep in the writer is in what Apply may rewrite, and
	// mayChange are the lines that were written in such places.
	loose     int
	mayChange []string
	// remarks is how likely comments and odd blanks are, of 10.
	remarks int
	anchors int
	// verbatim is set when blanks behind what was written would be part of it.
	verbatim bool
	// sensitive is set while blank lines would be.
	sensitive bool
}

func newGenerator(seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 37))}
	g.remarks = []int{0, 0, 1, 3}[g.IntN(4)]
	return g
}

func (g *generator) oneOf(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// manifest returns a pod and the lines of it that Apply may change.
func (g *generator) manifest() (data []byte, mayChange []string) {
	pod := g.pod()
	if g.oneOf(6) {
		data, _ := json.Marshal(plain(pod))
		if g.oneOf(2) {
			data = []byte(indented(data, pick(g, "", " ", "  ", "\t", "    ")) + pick(g, "", "\n", "\n\n"))
		}
		return data, strings.SplitAfter(string(data), "\n")
	}
	if g.oneOf(12) {
		g.out.WriteString("--- ")
		g.loose++
		g.flow(pod, 0, false)
		g.endLine()
	} else {
		g.out.WriteString(pick(g, "", "", "", "---\n", "# top\n---\n", "--- # top\n", "%YAML 1.1\n---\n", "\n\n", "# volumes:\n"))
		g.mapping(pod, 0, true)
	}
	if tail := pick(g, "", "", "", "# end\n", "...\n", "\n\n", "   \n", "---\n# nothing\n"); !g.sensitive {
		g.out.WriteString(tail)
	}
	s := g.out.String()
	if g.oneOf(5) {
		s = strings.ReplaceAll(s, "\n", "\r\n")
		for i := range g.mayChange {
			g.mayChange[i] = strings.ReplaceAll(g.mayChange[i], "\n", "\r\n")
		}
	}
	if g.oneOf(5) {
		s = strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r")
	}
	if g.oneOf(20) {
		s = "\xef\xbb\xbf" + s
		g.mayChange = append(g.mayChange, s[:strings.IndexByte(s+"\n", '\n')]+"\n")
	}
	return []byte(s), g.mayChange
}

func (g *generator) pod() []pair {
	mounts, volumes := g.mounts()
	metadata := g.shuffled([]pair{{"name", text("kube-apiserver-1")}, {"namespace", text("kube-system")},
		{"labels", []pair{{"component", text("kube-apiserver")}, {"tier", text("control-plane")}}}}, g.annotations()...)
	containers := []any{g.container("kube-apiserver", mounts)}
	for range pick(g, 0, 0, 0, 1, 2) {
		side := g.shuffled([]pair{{"name", text(fmt.Sprintf("side-%d", len(containers)))}, {"image", text("pause")},
			{"command", []any{text("/tool"), text("--audit-log-path=/theirs")}}})
		containers = slices.Insert(containers, g.IntN(len(containers)+1), any(side))
	}
	spec := g.shuffled([]pair{{"containers", containers}, {"hostNetwork", true}, {"priority", 2000001000}}, volumes...)
	if g.oneOf(5) {
		spec = append(spec, pair{"initContainers", []any{[]pair{{"name", text("kube-apiserver-init")}, {"command", []any{text("kube-apiserver"), text("--audit-log-path=/init")}}}}})
	}
	pod := g.shuffled([]pair{{"apiVersion", text("v1")}, {"kind", text("Pod")}, {"metadata", metadata}, {"spec", spec}})
	if g.oneOf(2) {
		pod = append(pod, pair{"status", pick(g, any(nothing{}), any([]pair{}))})
	}
	return pod
}

func (g *generator) shuffled(pairs []pair, more ...pair) []pair {
	pairs = append(pairs, more...)
	if g.oneOf(2) {
		g.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
	}
	return pairs
}

func (g *generator) annotations() []pair {
	switch g.IntN(6) {
	case 0:
		return nil
	case 1:
		return []pair{{"annotations", nothing{}}}
	case 2:
		return []pair{{"annotations", []pair{}}}
	}
	pairs := []pair{{"kubeadm.kubernetes.io/endpoint", text("192.0.2.10:6443")}}
	if g.oneOf(3) {
		pairs = append(pairs, pair{"example.com/text", text(pick(g, "one line\n", "two\n  lines", "# no remark\n\ntwo\n\n", " blank before", "ünï"))})
	}
	return []pair{{"annotations", g.shuffled(pairs)}}
}

func (g *generator) container(name string, mounts []pair) []pair {
	flags := g.flags()
	pairs := []pair{{"name", text(name)}, {"image", text("registry.k8s.io/kube-apiserver:v1.37.1")}}
	program := text(pick(g, "kube-apiserver", "/usr/local/bin/kube-apiserver"))
	cut := g.IntN(len(flags) + 1)
	for cut > 0 && cut < len(flags) && !strings.HasPrefix(string(flags[cut].(text)), "--") {
		cut++ // a flag and its value stay in one list
	}
	switch g.IntN(6) {
	case 0: // the image starts the program
		pairs = append(pairs, pair{"args", slices.Insert(flags, 0, any(text("--v=2")))})
	case 1:
		pairs = append(pairs, pair{"command", []any{program}}, pair{"args", flags})
	case 2:
		pairs = append(pairs, pair{"command", slices.Concat([]any{program}, flags[:cut])}, pair{"args", flags[cut:]})
	default:
		pairs = append(pairs, pair{"command", slices.Concat([]any{program}, flags)})
	}
	if g.oneOf(3) {
		pairs = append(pairs, pair{"ports", []any{[]pair{{"containerPort", 6443}, {"name", text("https")}}}})
	}
	if g.oneOf(2) {
		pairs = append(pairs, pair{"resources", []pair{{"requests", []pair{{"cpu", text("250m")}}}}})
	}
	return g.shuffled(pairs, mounts...)
}

// flags are the items behind the program: some common ones, and with luck audit
// flags of somebody else in every spelling.
func (g *generator) flags() []any {
	var groups [][]string
	for _, f := range []string{"--advertise-address=192.0.2.10", "--allow-privileged=true", "--etcd-servers=https://127.0.0.1:2379,https://192.0.2.1:2379",
		"--feature-gates=A=true,B=false", "--tls-cert-file=/etc/kubernetes/pki/apiserver.crt", "--service-account-issuer=https://kubernetes.default.svc", "--external-hostname="} {
		switch g.IntN(5) {
		case 0:
		case 1:
			name, value, _ := strings.Cut(f, "=")
			groups = append(groups, []string{name, value})
		default:
			groups = append(groups, []string{f})
		}
	}
	if g.oneOf(4) { // values that occur twice
		groups = append(groups, []string{"--client-ca-file", "/ca.crt"}, []string{"--etcd-cafile", "/ca.crt"}, []string{"--kubelet-certificate-authority", "/ca.crt"})
	}
	if g.oneOf(6) {
		groups = append(groups, []string{"--feature-gates=with blanks and: 'quotes' \"two\" # no remark"}, []string{"--x=größer"})
	}
	if g.oneOf(2) {
		for range 1 + g.IntN(5) {
			groups = append(groups, g.auditFlag())
		}
	}
	g.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
	var items []any
	for _, group := range groups {
		for _, item := range group {
			items = append(items, text(item))
		}
	}
	return items
}

func (g *generator) auditFlag() []string {
	f := pick(g, "audit-log-path=/var/log/old.log", "audit-log-path=/var/log/audit/audit.log", "audit-policy-file=/etc/kubernetes/policy.yaml", "audit-log-maxage=7",
		"audit-log-maxsize=100", "audit-log-mode=batch", "audit-log-format=json", "audit-webhook-config-file=/etc/kubernetes/hook.yaml", "audit-log-compress=true", "audit-log-path=-")
	name, value, _ := strings.Cut(f, "=")
	if g.oneOf(5) {
		name = strings.ReplaceAll(name, "-", "_")
	}
	switch {
	case name == "audit-log-compress" && g.oneOf(2):
		return []string{"--" + name}
	case name != "audit-log-compress" && name != "audit_log_compress" && g.oneOf(3):
		return []string{"--" + name, value}
	}
	return []string{"--" + name + "=" + value}
}

// mounts are volumeMounts of the container and the volumes of the pod, or
// neither, or nothing in their places.
func (g *generator) mounts() (mounts, volumes []pair) {
	switch g.IntN(5) {
	case 0:
		return nil, nil
	case 1:
		return []pair{{"volumeMounts", pick(g, any(nothing{}), any([]any{}))}}, []pair{{"volumes", pick(g, any(nothing{}), any([]any{}))}}
	}
	var ms, vs []any
	for i, m := range []manifest.Mount{{Name: "certs", HostPath: "/etc/ssl/certs", MountPath: "/etc/ssl/certs", ReadOnly: true},
		{Name: "auditsetup-log", HostPath: "/opt", MountPath: "/opt"}, {Name: "logs", HostPath: "/var/log", MountPath: "/var/log", Type: "Directory"},
		{Name: "etc", HostPath: "/etc/kubernetes", MountPath: "/etc/kubernetes/", ReadOnly: true}, {Name: "policy", HostPath: "/srv/audit", MountPath: "/etc/kubernetes/audit"}} {
		if i > 0 && !g.oneOf(3) {
			continue
		}
		host := []pair{{"path", text(m.HostPath)}}
		if m.Type != "" {
			host = append(host, pair{"type", text(m.Type)})
		}
		vs = append(vs, g.shuffled([]pair{{"name", text(m.Name)}, {"hostPath", host}}))
		mount := []pair{{"name", text(m.Name)}, {"mountPath", text(m.MountPath)}}
		if m.ReadOnly {
			mount = append(mount, pair{"readOnly", true})
		}
		ms = append(ms, g.shuffled(mount))
	}
	return []pair{{"volumeMounts", ms}}, []pair{{"volumes", vs}}
}

// want is something to ask for.
func (g *generator) want() manifest.Want {
	w := manifest.Want{TakeOver: !g.oneOf(6)}
	for _, f := range []manifest.Flag{{Name: "audit-policy-file", Value: "/etc/kubernetes/audit/policy.yaml"}, {Name: "audit-log-path", Value: pick(g, "/var/log/audit/audit.log", "/var/log/ä b's/\"x\": #y,[z].log")},
		{Name: "audit-log-maxage", Value: pick(g, "7", "30")}, {Name: "audit-log-maxsize", Value: "100"}, {Name: "audit-log-mode", Value: pick(g, "batch", "blocking-strict")},
		{Name: "audit-log-compress", Value: "true"}, {Name: "audit-webhook-config-file", Value: pick(g, "/etc/kubernetes/hook.yaml", "")}} {
		if !g.oneOf(3) {
			w.Flags = append(w.Flags, f)
		}
	}
	for _, m := range []manifest.Mount{policyMount, logMount, {Name: "auditsetup-log", HostPath: "/data/no: #", MountPath: "/data/no: #", Type: "DirectoryOrCreate"}} {
		if !g.oneOf(3) {
			w.Mounts = append(w.Mounts, m)
		}
	}
	if !g.oneOf(4) {
		w.PolicyHash = strings.Repeat(pick(g, "1", "e", "0e1"), 20)
	}
	return w
}
