// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/spf13/pflag"
)

// selection is the flags by which every command is told what to set up. They
// lie over the spec file, if there is one.
type selection struct {
	file     string
	spec     setup.Spec
	backends []string
	set      []string

	rate, clusterRate, meanRate, peakFactor   float64
	eventsPerRequest, bytesPerEvent, headroom float64
	servers, batchSize                        int
}

// layers says for each flag which part of the Spec it sets, which is also where
// errors look for the flag's name, and how.
var layers = map[string]struct {
	path string
	lay  func(from *selection, to *setup.Spec)
}{
	"kube-version": {"kubeVersion", func(s *selection, to *setup.Spec) { to.KubeVersion = s.spec.KubeVersion }},
	"take-over":    {"takeOver", func(s *selection, to *setup.Spec) { to.TakeOver = s.spec.TakeOver }},
	// a profile by flag replaces a policy of the file, and the other way round
	"profile": {"policy.profile", func(s *selection, to *setup.Spec) {
		to.Policy.Profile, to.Policy.File = s.spec.Policy.Profile, s.spec.Policy.File
	}},
	"policy": {"policy.file", func(s *selection, to *setup.Spec) {
		to.Policy.Profile, to.Policy.File = s.spec.Policy.Profile, s.spec.Policy.File
	}},
	"policy-path": {"policy.path", func(s *selection, to *setup.Spec) { to.Policy.Path = s.spec.Policy.Path }},
	"backend": {"backends", func(s *selection, to *setup.Spec) {
		to.Backends = nil
		for _, b := range s.backends {
			to.Backends = append(to.Backends, setup.Backend(b))
		}
	}},
	"rate":               {"load.requestsPerSecond", func(s *selection, to *setup.Spec) { to.Load.RequestsPerSecond = &s.rate }},
	"cluster-rate":       {"load.clusterRequestsPerSecond", func(s *selection, to *setup.Spec) { to.Load.ClusterRequestsPerSecond = &s.clusterRate }},
	"mean-rate":          {"load.meanRequestsPerSecond", func(s *selection, to *setup.Spec) { to.Load.MeanRequestsPerSecond = &s.meanRate }},
	"peak-factor":        {"load.peakFactor", func(s *selection, to *setup.Spec) { to.Load.PeakFactor = &s.peakFactor }},
	"servers":            {"load.servers", func(s *selection, to *setup.Spec) { to.Load.Servers = &s.servers }},
	"outage":             {"load.outage", func(s *selection, to *setup.Spec) { to.Load.Outage = s.spec.Load.Outage }},
	"memory-budget":      {"load.memoryBudget", func(s *selection, to *setup.Spec) { to.Load.MemoryBudget = s.spec.Load.MemoryBudget }},
	"receiver":           {"receiver", func(s *selection, to *setup.Spec) { to.Receiver = s.spec.Receiver }},
	"events-per-request": {"load.eventsPerRequest", func(s *selection, to *setup.Spec) { to.Load.EventsPerRequest = &s.eventsPerRequest }},
	"bytes-per-event":    {"load.bytesPerEvent", func(s *selection, to *setup.Spec) { to.Load.BytesPerEvent = &s.bytesPerEvent }},
	"headroom":           {"load.headroom", func(s *selection, to *setup.Spec) { to.Load.Headroom = &s.headroom }},
	"batch-size":         {"load.batchSize", func(s *selection, to *setup.Spec) { to.Load.BatchSize = &s.batchSize }},
	"stall":              {"load.stall", func(s *selection, to *setup.Spec) { to.Load.Stall = s.spec.Load.Stall }},
	"max-wait":           {"load.maxWait", func(s *selection, to *setup.Spec) { to.Load.MaxWait = s.spec.Load.MaxWait }},
	"log-path":           {"log.path", func(s *selection, to *setup.Spec) { to.Log.Path = s.spec.Log.Path }},
	"log-mode":           {"log.mode", func(s *selection, to *setup.Spec) { to.Log.Mode = s.spec.Log.Mode }},
	"webhook-url":        {"webhook.url", layURL},
	"webhook-config":     {"webhook.configFile", layConfig},
	"webhook-ca":         {"webhook.caFile", func(s *selection, to *setup.Spec) { to.Webhook.CAFile = s.spec.Webhook.CAFile }},
	"webhook-client-certificate": {"webhook.clientCertificateFile", func(s *selection, to *setup.Spec) {
		to.Webhook.ClientCertificateFile = s.spec.Webhook.ClientCertificateFile
	}},
	"webhook-client-key": {"webhook.clientKeyFile", func(s *selection, to *setup.Spec) { to.Webhook.ClientKeyFile = s.spec.Webhook.ClientKeyFile }},
	"webhook-token-file": {"webhook.tokenFile", func(s *selection, to *setup.Spec) { to.Webhook.TokenFile = s.spec.Webhook.TokenFile }},
	"webhook-insecure-skip-tls-verify": {"webhook.insecureSkipTLSVerify", func(s *selection, to *setup.Spec) {
		to.Webhook.InsecureSkipTLSVerify = s.spec.Webhook.InsecureSkipTLSVerify
	}},
	"webhook-path":            {"webhook.path", func(s *selection, to *setup.Spec) { to.Webhook.Path = s.spec.Webhook.Path }},
	"webhook-mode":            {"webhook.mode", func(s *selection, to *setup.Spec) { to.Webhook.Mode = s.spec.Webhook.Mode }},
	"webhook-initial-backoff": {"webhook.initialBackoff", func(s *selection, to *setup.Spec) { to.Webhook.InitialBackoff = s.spec.Webhook.InitialBackoff }},
	"max-event-size":          {"webhook.maxEventSize", func(s *selection, to *setup.Spec) { to.Webhook.MaxEventSize = s.spec.Webhook.MaxEventSize }},
	"max-body":                {"webhook.maxBody", func(s *selection, to *setup.Spec) { to.Webhook.MaxBody = s.spec.Webhook.MaxBody }},
	"retention":               {"log.retention", func(s *selection, to *setup.Spec) { to.Log.Retention = s.spec.Log.Retention }},
	"disk-budget":             {"log.diskBudget", func(s *selection, to *setup.Spec) { to.Log.DiskBudget = s.spec.Log.DiskBudget }},
	"compress":                {"log.compress", func(s *selection, to *setup.Spec) { to.Log.Compress = s.spec.Log.Compress }},
}

// layURL has a URL by flag replace the receiver of the file, whichever way that
// was named; its CA and the like stay.
func layURL(s *selection, to *setup.Spec) {
	to.Webhook.URL, to.Webhook.ConfigFile = s.spec.Webhook.URL, s.spec.Webhook.ConfigFile
}

// layConfig has a kubeconfig by flag replace all that the file says of the
// receiver, but for what other flags say: that is for setup to refuse.
func layConfig(s *selection, to *setup.Spec) {
	layURL(s, to)
	by, w := s.spec.Webhook, &to.Webhook
	w.CAFile, w.ClientCertificateFile, w.ClientKeyFile, w.TokenFile, w.InsecureSkipTLSVerify =
		by.CAFile, by.ClientCertificateFile, by.ClientKeyFile, by.TokenFile, by.InsecureSkipTLSVerify
}

// input is the Spec that file and flags come to, ready to be resolved. It is of
// use with an error too, to find what else is wrong.
func (s *selection) input(flags *pflag.FlagSet, from *inputs) (setup.Input, error) {
	in := setup.Input{Origins: setup.Origins{}}
	fileErr := s.readSpec(&in, from)
	replaceRates(flags, &in.Spec.Load)
	flags.Visit(func(f *pflag.Flag) {
		if l, ok := layers[f.Name]; ok {
			l.lay(s, &in.Spec)
			in.Origins.Flag(l.path, "--"+f.Name)
		}
	})
	problems := combine(fileErr, s.laySet(&in))
	for _, f := range []struct {
		path, flag string
		name       *string
		data       *[]byte
	}{{"policy.file", "--policy", &in.Spec.Policy.File, &in.PolicyData}, {"webhook.configFile", "--webhook-config", &in.Spec.Webhook.ConfigFile, &in.WebhookData}} {
		if *f.name == "" {
			continue
		}
		said := f.flag
		if at := in.Origins[f.path]; at.Line > 0 {
			said = fmt.Sprintf("%s in %s:%d", f.path, at.File, at.Line)
		}
		data, err := from.read(said, *f.name)
		if data == nil && err == nil {
			data = []byte{}
		}
		*f.data, problems = data, combine(problems, err)
		if *f.name == "-" {
			*f.name = stdinName
		}
	}
	return in, problems
}

// replaceRates takes out of a file what a flag says in other words.
func replaceRates(flags *pflag.FlagSet, of *setup.Load) {
	for _, r := range []struct {
		flag, other string
		said        **float64
	}{
		{"rate", "cluster-rate", &of.ClusterRequestsPerSecond}, {"cluster-rate", "rate", &of.RequestsPerSecond},
		{"mean-rate", "peak-factor", &of.PeakFactor}, {"peak-factor", "mean-rate", &of.MeanRequestsPerSecond},
	} {
		if flags.Changed(r.flag) && !flags.Changed(r.other) {
			*r.said = nil
		}
	}
}

// readSpec reads the spec file, if there is one. Files that it names are looked
// for where the spec is, as it would not be found otherwise when the two
// are handed on together.
func (s *selection) readSpec(in *setup.Input, from *inputs) error {
	if s.file == "" {
		return nil
	}
	data, err := from.read("--filename", s.file)
	if err != nil {
		return err
	}
	name := s.file
	if name == "-" {
		name = stdinName
	}
	spec, where, err := setup.Decode(name, data)
	if where != nil {
		in.Spec, in.Origins = spec, where
	}
	for _, file := range []*string{&in.Spec.Policy.File, &in.Spec.Webhook.ConfigFile} {
		if *file != "" && *file != "-" && s.file != "-" && !filepath.IsAbs(*file) {
			*file = filepath.Join(filepath.Dir(s.file), *file)
		}
	}
	return err
}

// laySet reads each --set flag=value.
func (s *selection) laySet(in *setup.Input) error {
	var problems document.Problems
	given := map[string]string{}
	for _, pair := range s.set {
		name, value, ok := strings.Cut(pair, "=")
		name = strings.TrimPrefix(name, "--")
		switch before, twice := given[name]; {
		case !ok || name == "":
			problems.Add("--set", fmt.Sprintf("%q is not of the form flag=value", pair), "write it as --set audit-log-format=json")
			continue
		case twice && before != value:
			problems.Add("--set", fmt.Sprintf("%s is given as %q and as %q", name, before, value), "keep one of the two")
		}
		given[name] = value
		if in.Spec.Flags == nil {
			in.Spec.Flags = map[string]string{}
		}
		in.Spec.Flags[name] = value
		in.Origins.Flag("flags."+name, "--set")
	}
	return problems.Err()
}
