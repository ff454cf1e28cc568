// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// selection is the flags by which every command is told what to set up. They
// lie over the spec file, if there is one.
type selection struct {
	file     string
	spec     setup.Spec
	backends []string
	set      []string

	rate, eventsPerRequest, bytesPerEvent, headroom float64
	batchSize                                       int
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
	"events-per-request": {"load.eventsPerRequest", func(s *selection, to *setup.Spec) { to.Load.EventsPerRequest = &s.eventsPerRequest }},
	"bytes-per-event":    {"load.bytesPerEvent", func(s *selection, to *setup.Spec) { to.Load.BytesPerEvent = &s.bytesPerEvent }},
	"headroom":           {"load.headroom", func(s *selection, to *setup.Spec) { to.Load.Headroom = &s.headroom }},
	"batch-size":         {"load.batchSize", func(s *selection, to *setup.Spec) { to.Load.BatchSize = &s.batchSize }},
	"stall":              {"load.stall", func(s *selection, to *setup.Spec) { to.Load.Stall = s.spec.Load.Stall }},
	"max-wait":           {"load.maxWait", func(s *selection, to *setup.Spec) { to.Load.MaxWait = s.spec.Load.MaxWait }},
	"log-path":           {"log.path", func(s *selection, to *setup.Spec) { to.Log.Path = s.spec.Log.Path }},
	"log-mode":           {"log.mode", func(s *selection, to *setup.Spec) { to.Log.Mode = s.spec.Log.Mode }},
	"retention":          {"log.retention", func(s *selection, to *setup.Spec) { to.Log.Retention = s.spec.Log.Retention }},
	"disk-budget":        {"log.diskBudget", func(s *selection, to *setup.Spec) { to.Log.DiskBudget = s.spec.Log.DiskBudget }},
	"compress":           {"log.compress", func(s *selection, to *setup.Spec) { to.Log.Compress = s.spec.Log.Compress }},
}

// addWhat adds the flags that say what is recorded and where it goes.
func (s *selection) addWhat(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&s.file, "filename", "f", "", "read what to set up from a spec file; flags lie over it")
	f.StringVar(&s.spec.Policy.Profile, "profile", "", "audit policy to use: name of a profile (default "+setup.DefaultProfile+")")
	f.StringVar(&s.spec.Policy.File, "policy", "", "audit policy to use: a file of your own")
	f.StringVar(&s.spec.Policy.Path, "policy-path", "", "where the policy goes on the control plane (default "+setup.DefaultPolicyPath+")")
	f.StringVar(&s.spec.Log.Path, "log-path", "", "where the log goes on the control plane (default "+setup.DefaultLogPath+")")
	f.StringVar(&s.spec.Log.Mode, "log-mode", "", "how the log is written: blocking or batch (default blocking)")
	f.StringArrayVar(&s.set, "set", nil, "set an audit flag by hand, as flag=value; repeatable")
	f.BoolVar(&s.spec.TakeOver, "take-over", false, "replace audit settings that auditsetup did not make")
	_ = c.RegisterFlagCompletionFunc("profile", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return profiles.Names(), cobra.ShellCompDirectiveNoFileComp
	})
}

// addLoad adds the flags that the numbers are computed from.
func (s *selection) addLoad(f *pflag.FlagSet) {
	f.StringSliceVar(&s.backends, "backend", nil, "where events go: log, webhook or both (default log)")
	f.StringVar(&s.spec.KubeVersion, "kube-version", "", "version of the kube-apiserver, such as 1.37 (default: the tag of its image)")
	f.Float64Var(&s.rate, "rate", 0, "requests per second that one API server gets at peak (default 100)")
	f.Float64Var(&s.eventsPerRequest, "events-per-request", 0, "events per request that the policy keeps (default: the profile's)")
	f.Float64Var(&s.bytesPerEvent, "bytes-per-event", 0, "mean size of an event (default: the profile's)")
	f.StringVar(&s.spec.Load.Stall, "stall", "", "how long the receiver or the disk may stand still without loss (default 30s)")
	f.Float64Var(&s.headroom, "headroom", 0, "by what factor throttle and buffer exceed the peak (default 2)")
	f.IntVar(&s.batchSize, "batch-size", 0, "events per batch (default: computed)")
	f.StringVar(&s.spec.Load.MaxWait, "max-wait", "", "how long a batch waits to fill (default: computed)")
	f.StringVar(&s.spec.Log.Retention, "retention", "", "how far back the log should reach (default 30d)")
	f.StringVar(&s.spec.Log.DiskBudget, "disk-budget", "", "the most that the log may take of the disk (default 10Gi)")
	f.BoolVar(&s.spec.Log.Compress, "compress", false, "compress rotated log files")
}

// input is the Spec that file and flags come to, ready to be resolved. It is of
// use with an error too, to find what else is wrong.
func (s *selection) input(flags *pflag.FlagSet, from *inputs) (setup.Input, error) {
	in := setup.Input{Origins: setup.Origins{}}
	fileErr := s.readSpec(&in, from)
	flags.Visit(func(f *pflag.Flag) {
		if l, ok := layers[f.Name]; ok {
			l.lay(s, &in.Spec)
			in.Origins.Flag(l.path, "--"+f.Name)
		}
	})
	problems := combine(fileErr, s.laySet(&in))
	if in.Spec.Policy.File != "" {
		said := "--policy"
		if at := in.Origins["policy.file"]; at.Line > 0 {
			said = fmt.Sprintf("policy.file in %s:%d", at.File, at.Line)
		}
		data, err := from.read(said, in.Spec.Policy.File)
		if data == nil && err == nil {
			data = []byte{}
		}
		in.PolicyData, problems = data, combine(problems, err)
		if in.Spec.Policy.File == "-" {
			in.Spec.Policy.File = stdinName
		}
	}
	return in, problems
}

// readSpec reads the spec file, if there is one. A policy file that it names is
// looked for where the spec is, as it would not be found otherwise when the two
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
	if file := in.Spec.Policy.File; file != "" && file != "-" && s.file != "-" && !filepath.IsAbs(file) {
		in.Spec.Policy.File = filepath.Join(filepath.Dir(s.file), file)
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
