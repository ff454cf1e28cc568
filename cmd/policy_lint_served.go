// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"errors"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/cluster"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy/lint"
	"github.com/spf13/pflag"
)

// fromCluster is the word for --discovery that has the cluster asked, as plan
// --from-metrics has it. A file of that name is ./kubeconfig.
const fromCluster = "kubeconfig"

// servedFlags say what is served besides kube-apiserver's own resources.
type servedFlags struct {
	crds, discovery     string
	kubeconfig, context string
}

func (s *servedFlags) add(f *pflag.FlagSet) {
	f.StringVar(&s.crds, "crds", "", "`FILE` with the CustomResourceDefinitions of the cluster")
	f.StringVar(&s.discovery, "discovery", "", "`FILE` with the discovery documents of the cluster, everything that it serves; or kubeconfig to ask it")
	f.StringVar(&s.kubeconfig, "kubeconfig", "", "credentials for --discovery kubeconfig (default: as kubectl)")
	f.StringVar(&s.context, "context", "", "context of the kubeconfig for --discovery kubeconfig")
}

// idle refuses flags that would do nothing.
func (s *servedFlags) idle(flags *pflag.FlagSet) error {
	if s.discovery == fromCluster {
		return nil
	}
	var problems document.Problems
	for _, name := range []string{"kubeconfig", "context"} {
		if flags.Changed(name) {
			problems.Add("--"+name, "does nothing without --discovery kubeconfig", "add --discovery kubeconfig, or leave it out")
		}
	}
	return problems.Err()
}

// read puts what is served into the options. What the cluster could not tell is
// missing; then no group counts as unknown to it.
func (s *servedFlags) read(ctx context.Context, in *inputs, to *lint.Options) (missing document.Problems, err error) {
	to.Complete = s.discovery != ""
	fromFile := func(flag, name string, understood func(string, []byte) (apiserver.Resources, error)) error {
		data, err := in.read(flag, name)
		if err != nil {
			return err
		}
		found, err := understood(name, data)
		to.More = to.More.With(found)
		return err
	}
	if s.crds != "" {
		err = fromFile("--crds", s.crds, apiserver.ReadCRDs)
	}
	switch s.discovery {
	case "":
	case fromCluster:
		served, failed := cluster.Discover(ctx, cluster.Kubeconfig{File: s.kubeconfig, Context: s.context})
		to.More = to.More.With(served.Resources)
		missing, to.Complete = served.Missing, len(served.Missing) == 0
		err = errors.Join(err, failed)
	default:
		err = errors.Join(err, fromFile("--discovery", s.discovery, apiserver.ReadDiscovery))
	}
	return missing, err
}
