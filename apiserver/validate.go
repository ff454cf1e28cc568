// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
)

// Setting is one flag as given to kube-apiserver.
type Setting struct {
	// Name may have dashes in front and "_" for "-".
	Name string
	// Value is the text behind "="; for a bool flag without one it is "true",
	// which is what kube-apiserver takes it for.
	Value string
}

// Validate reports everything in a command line that keeps v from starting:
// audit flags it does not have, values it cannot read, and combinations it
// refuses, with v's own defaults for what is not set. It answers as upstream
// does and no stricter: options of a backend that is off are not looked at, nor
// batch options outside mode batch. Unlike upstream it does not end at the
// first problem. What starts and still does harm is for [Hazards].
//
// The settings are in the order of the command line. Of a repeated flag the
// last value counts, though each must be readable. Flags whose names do not
// begin with "audit" are passed over, but for --feature-gates, on which
// --audit-dynamic-configuration depends. The File of a problem is the flag with
// its dashes. The policy and the kubeconfig are not read.
//
// Sources: k8s.io/apiserver v0.37.1 pkg/server/options/audit.go, the Validate
// methods; the same in all known minors but for what [APIVersions] and
// [Flags] say.
func Validate(v Version, flags []Setting) document.Problems {
	c := read(v, flags)
	c.backendRules("log", "audit-log-path")
	if c.on("audit-log-path") {
		c.oneOf("audit-log-format")
		for _, name := range []string{"audit-log-maxage", "audit-log-maxbackup", "audit-log-maxsize"} {
			c.notNegative(name)
		}
	}
	c.backendRules("webhook", "audit-webhook-config-file")
	c.dynamicRules()
	return c.problems
}

// checker holds the values that a command line comes to, and what was found
// wrong with them.
type checker struct {
	v Version
	// given holds the last value of each audit flag that v has. When it is not
	// of the flag's type the getters say so, and no rule can speak about it.
	given map[string]string
	// gates are the values of --feature-gates, in order.
	gates    []string
	problems document.Problems
}

// read takes the settings in, with a problem for each that v would choke on
// while parsing. Source of what is a value of a type: spf13/pflag v1.0.10.
func read(v Version, flags []Setting) *checker {
	c := &checker{v: v, given: map[string]string{}}
	var unknown []string
	for _, s := range flags {
		name := canonical(s.Name)
		if name == "feature-gates" {
			c.gates = append(c.gates, s.Value)
		}
		if !strings.HasPrefix(strings.ToLower(name), "audit") {
			continue
		}
		f, ok := Lookup(name)
		if !ok || !f.In(v) {
			if !slices.Contains(unknown, name) {
				unknown = append(unknown, name)
				c.unknown(name, f)
			}
			continue
		}
		c.given[name] = s.Value
		if why := unreadable(f.Type, s.Value); why != "" {
			c.add(name, fmt.Sprintf("%q is %s", s.Value, why), typeHint(f.Type))
		}
	}
	return c
}

// unknown reports a flag that v does not have; f is the zero Flag when no other
// version has it either.
func (c *checker) unknown(name string, f Flag) {
	what := fmt.Sprintf("kube-apiserver %s does not know this flag", c.v)
	switch {
	case f.Name == "":
		hint := ""
		if near := nearest(name, c.v); near != "" {
			hint = "did you mean --" + near
		}
		c.add(name, what, hint)
	case c.v.Minor < f.Since:
		c.add(name, fmt.Sprintf("%s, which came with 1.%d", what, f.Since), "leave it out")
	default:
		hint := "leave it out"
		if f.Instead != "" {
			hint = "use --" + f.Instead + " instead"
		}
		c.add(name, fmt.Sprintf("%s: it was removed in 1.%d", what, f.Until+1), hint)
	}
}

// add records a problem with the flag of that name.
func (c *checker) add(name, what, hint string) { c.problems.Add("--"+name, what, hint) }

// text returns the value in force, given or by default. A flag that v does not
// have is at its default as well: what it would turn on is off.
func (c *checker) text(name string) string {
	if value, ok := c.given[name]; ok {
		return value
	}
	f, _ := Lookup(name)
	return f.Default(c.v)
}

// on reports whether a backend is turned on by the flag that says where to.
func (c *checker) on(name string) bool { return c.text(name) != "" }
