// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package policy reads audit policies: strictly, with line numbers, and for one
// version of kube-apiserver. It refuses what kube-apiserver would refuse, and
// beyond that everything that kube-apiserver would take and read as something
// else than it says. What a policy decides is not answered here: that is left to
// the evaluator of kube-apiserver itself (k8s.io/apiserver/pkg/audit/policy).
package policy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	auditscheme "k8s.io/apiserver/pkg/audit"
	upstream "k8s.io/apiserver/pkg/audit/policy"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
)

// unknownHint is what comes of a field that kube-apiserver does not know: since
// 1.26 a line in its log, before that nothing at all (LoadPolicyFromBytes in
// pkg/audit/policy/reader.go of kubernetes/apiserver).
const unknownHint = "kube-apiserver would drop it and start all the same, and a rule could match more than it says"

// Policy is an audit policy that kube-apiserver loads and reads as it is
// written. Only [Read] makes one. It is safe for concurrent use as long as
// nobody changes V1.
type Policy struct {
	// V1 is the policy as decoded from Bytes.
	V1 auditv1.Policy
	// Notes are what the user should be told although the policy is good, such
	// as a conversion. Nil when there is nothing.
	Notes []document.Problem

	bytes     []byte
	evaluator evaluator
}

// Bytes is the policy as it is to be written: the bytes that were read, but for
// the version in apiVersion when that was converted. Not to be modified.
func (p *Policy) Bytes() []byte { return p.bytes }

// SHA256 is the SHA-256 sum of Bytes in lower-case hexadecimal digits.
func (p *Policy) SHA256() string {
	sum := sha256.Sum256(p.bytes)
	return hex.EncodeToString(sum[:])
}

// Read reads an audit policy in YAML or JSON for kube-apiserver v. file is the
// name for messages. With the zero v, features are not held against a version.
//
// A policy in audit.k8s.io/v1beta1 or v1alpha1, removed in 1.24, is converted to
// v1 by replacing that one word; its fields are the same. A note says so.
//
// The error is a [document.Problems] with everything that is wrong: what
// [document.Decoder.Decode] finds, another apiVersion or kind, no rules, what
// kube-apiserver's own validation says, and features that v does not have yet.
// In the end kube-apiserver's own loader has read the bytes too.
func Read(file string, data []byte, v apiserver.Version) (*Policy, error) {
	root, err := document.Parse(file, data)
	if root == nil {
		return nil, err
	}
	r := &reading{file: file, root: root, version: v}
	if foreign := r.head(); foreign {
		return nil, r.problems.Err()
	}
	p := &Policy{bytes: r.convert(bytes.Clone(data)), Notes: r.notes}
	decoder := document.Decoder{UnknownHint: unknownHint}
	r.decoded(document.ProblemsOf(decoder.Decode(file, p.bytes, &p.V1)))
	r.validate(&p.V1)
	r.fitVersion(&p.V1)
	if len(r.problems) > 0 {
		r.problems.Sort()
		return nil, r.problems
	}
	internal, err := load(file, p)
	if err != nil {
		return nil, err
	}
	p.evaluator = newEvaluator(internal)
	return p, nil
}

// load gives kube-apiserver's loader the last word. It reads leniently when it
// cannot read strictly, so what it made of the bytes is compared as well.
func load(file string, p *Policy) (*audit.Policy, error) {
	loaded, err := upstream.LoadPolicyFromBytes(p.bytes)
	if err != nil {
		return nil, document.Problems{{File: file, What: "kube-apiserver would refuse it: " + err.Error()}}
	}
	var want audit.Policy
	if err := auditscheme.Scheme.Convert(&p.V1, &want, nil); err != nil {
		return nil, document.Problems{{File: file, What: "cannot be converted: " + err.Error()}}
	}
	if !equality.Semantic.DeepEqual(loaded, &want) {
		return nil, document.Problems{{File: file, What: "kube-apiserver would read it as something else than it says"}}
	}
	return loaded, nil
}

// A reading is one call of Read: what is checked, and what was found.
type reading struct {
	file     string
	root     *yaml.Node
	version  apiserver.Version
	problems document.Problems
	notes    []document.Problem
	// undecoded are the places of what the decoder refused.
	undecoded map[place]bool
}

type place struct{ line, column int }

// at reports a problem at a path such as "rules[2].level". What stands there is
// not complained about twice: a value that could not be decoded looks missing
// to all who come after. A field that is not there has the place of its mapping.
func (r *reading) at(path, what, hint string) {
	node, whole := document.Find(r.root, path)
	p := document.ProblemAt(r.file, node, what, hint)
	if absent := !whole && node.Kind == yaml.MappingNode; absent || !r.undecoded[place{p.Line, p.Column}] {
		r.problems = append(r.problems, p)
	}
}

// decoded takes over what the decoder found.
func (r *reading) decoded(problems document.Problems) {
	r.undecoded = map[place]bool{}
	for _, p := range problems {
		r.undecoded[place{p.Line, p.Column}] = true
	}
	r.problems = append(r.problems, problems...)
}
