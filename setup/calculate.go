// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/tuning"
)

// Calculation is the part of a [Desired] that is numbers, for an API server that
// need not be there.
type Calculation struct {
	// Spec is the wish with its defaults filled in, Version that of the
	// kube-apiserver: the newest known where nobody said one.
	Spec    Spec
	Version apiserver.Version
	// Load and Backends are what Result was calculated from.
	Load     tuning.Load
	Backends tuning.Backends
	Result   tuning.Result
	// Policy is its text, nil when there is none to be had.
	Policy []byte
	// Flags are all that these numbers ask to be set, with what was set by hand.
	Flags []Flag
	// Assumed is what nobody said, a line each.
	Assumed []string
	// Warnings are about receiver and flags, and Notes about the policy; the
	// warnings of the Result are among them where they concern what was said.
	Warnings, Notes document.Problems
}

// Calculate works out the numbers of a wish as [Resolve] does, without what only
// a control plane needs: paths, and how to reach a receiver. The error is
// document.Problems with all that is wrong.
func Calculate(in Input) (Calculation, error) {
	r := newResolving(in)
	if in.Spec.KubeVersion == "" {
		r.desired.Version = apiserver.Version{Minor: apiserver.NewestMinor, Patch: -1}
	} else {
		r.version()
	}
	r.backends()
	r.numbers(r.policy())
	r.program()
	r.flags()
	r.problems.Sort()
	if err := r.problems.Err(); err != nil {
		return Calculation{}, err
	}
	d := r.desired
	return Calculation{
		Spec: r.spec, Version: d.Version, Load: r.load, Backends: r.spec.Tuned(), Result: d.Numbers, Policy: d.Policy, Assumed: d.Estimates,
		Flags: d.Flags, Warnings: d.Warnings, Notes: d.Notes,
	}, nil
}
