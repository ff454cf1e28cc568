// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"slices"

	"github.com/auditsetup/auditsetup/document"
)

// Hazards reports what v would start with and what still does harm or nothing:
// no policy or no backend, a log that grows without end, a batch that keeps a
// core busy, and flags and API versions on their way out. The settings are read
// as by [Validate]; what that reports is not reported again. Nothing here keeps
// kube-apiserver from starting.
func Hazards(v Version, flags []Setting) document.Problems {
	c := read(v, flags)
	// What could not be read is for Validate to say.
	c.problems = nil
	c.nothingRecorded()
	if path := c.text("audit-log-path"); path != "" && path != "-" {
		c.growth()
	}
	for _, b := range []struct{ backend, onFlag string }{
		{"log", "audit-log-path"}, {"webhook", "audit-webhook-config-file"},
	} {
		if c.on(b.onFlag) {
			c.spin("audit-" + b.backend)
			c.oldVersion("audit-" + b.backend + "-version")
		}
	}
	c.deprecated()
	return c.problems
}

// nothingRecorded: events need both a policy and a place to go. Without the
// one, upstream leaves the other out with a line at verbosity 2. Source:
// k8s.io/apiserver v0.37.1 pkg/server/options/audit.go, ApplyTo.
func (c *checker) nothingRecorded() {
	// Sinks bring a policy of their own.
	if c.isTrue("audit-dynamic-configuration") {
		return
	}
	policy := c.on("audit-policy-file")
	backend := false
	for _, name := range []string{"audit-log-path", "audit-webhook-config-file"} {
		if !c.on(name) {
			continue
		}
		backend = true
		if !policy {
			c.add(name, "no event is recorded, since there is no audit policy", "set --audit-policy-file")
		}
	}
	if policy && !backend {
		c.add("audit-policy-file", "no event is recorded, since there is nowhere to put it",
			"set --audit-log-path or --audit-webhook-config-file")
	}
}

// growth: a log file whose rotation is off, or whose rotated files are kept for
// ever.
func (c *checker) growth() {
	size, ok := c.number("audit-log-maxsize")
	if !ok {
		return
	}
	if RotationOff(c.v, int(size)) {
		c.add("audit-log-maxsize", "0 turns rotation off since 1.36: the file grows until the disk is full, "+
			"and maxage, maxbackup and compress do nothing", "set a size in MiB, such as 100")
		return
	}
	age, ageOK := c.number("audit-log-maxage")
	backups, backupsOK := c.number("audit-log-maxbackup")
	if ageOK && backupsOK && age == 0 && backups == 0 {
		c.add("audit-log-maxbackup", c.is("audit-log-maxbackup")+" and --audit-log-maxage "+
			c.is("audit-log-maxage")+": rotated files are kept until the disk is full",
			"set how many files of --audit-log-maxsize to keep, such as 10")
	}
}

// spin: with more than one event to a batch upstream arms a timer for the wait,
// and one of 0 is over at once, for ever; measured as a full core with v0.37.2.
// Source: k8s.io/apiserver v0.37.1 plugin/pkg/audit/buffered/buffered.go,
// processIncomingEvents.
func (c *checker) spin(prefix string) {
	if c.text(prefix+"-mode") != "batch" {
		return
	}
	size, sizeOK := c.number(prefix + "-batch-max-size")
	wait, waitOK := c.duration(prefix + "-batch-max-wait")
	if sizeOK && waitOK && size > 1 && wait <= 0 {
		c.add(prefix+"-batch-max-wait", fmt.Sprintf("%s with --%s-batch-max-size %d: kube-apiserver keeps one core busy with waiting",
			c.is(prefix+"-batch-max-wait"), prefix, size), "set a wait above 0, such as 1s")
	}
}

// oldVersion: 1.24 does not start with an API version that 1.23 still takes.
func (c *checker) oldVersion(name string) {
	value := c.text(name)
	if slices.Contains(APIVersions(Version{Minor: NewestMinor}), value) ||
		!slices.Contains(APIVersions(c.v), value) {
		return
	}
	c.add(name, value+" is gone in 1.24, which will not start with it", "set it to audit.k8s.io/v1")
}

// deprecated speaks of each flag once, in the order of the table.
func (c *checker) deprecated() {
	for _, f := range table {
		if _, given := c.given[f.Name]; given && f.Deprecated != 0 && c.v.AtLeast(f.Deprecated) {
			c.add(f.Name, fmt.Sprintf("has been deprecated since 1.%d", f.Deprecated),
				"use --"+f.Instead+" instead")
		}
	}
}
