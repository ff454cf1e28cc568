// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// backendRules are those that the log and the webhook share. A backend that is
// off may have any options.
func (c *checker) backendRules(backend, onFlag string) {
	if !c.on(onFlag) {
		return
	}
	prefix := "audit-" + backend
	c.oneOf(prefix + "-mode")
	if c.text(prefix+"-mode") == "batch" {
		c.batchRules(prefix + "-batch-")
	}
	c.truncateRules(prefix + "-truncate-")
	c.oneOf(prefix + "-version")
}

// batchRules are looked at in mode batch only. There is none about max-wait:
// upstream takes 0 and less.
func (c *checker) batchRules(prefix string) {
	for _, name := range []string{prefix + "buffer-size", prefix + "max-size"} {
		if n, ok := c.number(name); ok && n <= 0 {
			c.add(name, "must be above 0 in mode batch, "+c.is(name), "")
		}
	}
	if !c.isTrue(prefix + "throttle-enable") {
		return
	}
	what := "must be above 0 when --" + prefix + "throttle-enable is on, "
	// Not (qps > 0): upstream lets NaN pass.
	if qps, ok := c.float(prefix + "throttle-qps"); ok && qps <= 0 {
		c.add(prefix+"throttle-qps", what+c.is(prefix+"throttle-qps"),
			"set how many batches a second to let through, or turn throttling off")
	}
	if burst, ok := c.number(prefix + "throttle-burst"); ok && burst <= 0 {
		c.add(prefix+"throttle-burst", what+c.is(prefix+"throttle-burst"),
			"set how many batches may go back to back, or turn throttling off")
	}
}

// truncateRules hold even with truncation off.
func (c *checker) truncateRules(prefix string) {
	eventFlag, batchFlag := prefix+"max-event-size", prefix+"max-batch-size"
	event, ok := c.number(eventFlag)
	if !ok {
		return
	}
	if event <= 0 {
		c.add(eventFlag, "must be above 0 even with truncation off, "+c.is(eventFlag), "")
		return
	}
	if batch, ok := c.number(batchFlag); ok && batch < event {
		c.add(batchFlag, fmt.Sprintf("must be at least --%s, which is %d, even with truncation off; %s",
			eventFlag, event, c.is(batchFlag)), "")
	}
}

// notNegative is the rule of the three rotation flags.
func (c *checker) notNegative(name string) {
	if n, ok := c.number(name); ok && n < 0 {
		c.add(name, "must not be below 0, "+c.is(name), "")
	}
}

// is ends a sentence with the value in force, "is 0 by default".
func (c *checker) is(name string) string {
	if _, given := c.given[name]; !given {
		return "is " + c.text(name) + " by default"
	}
	return "is " + c.text(name)
}

// oneOf is the rule of a flag with a list of values.
func (c *checker) oneOf(name string) {
	f, _ := Lookup(name)
	value, allowed := c.text(name), f.Values(c.v)
	if slices.Contains(allowed, value) {
		return
	}
	what := fmt.Sprintf("%q is not %s", value, strings.Join(allowed, ", "))
	if i := strings.LastIndex(what, ", "); i >= 0 {
		what = what[:i] + " or" + what[i+1:]
	}
	if slices.Contains(APIVersions(Version{Minor: OldestMinor}), value) {
		what += ": it was removed in 1.24"
	}
	hint := ""
	if i := slices.IndexFunc(allowed, func(a string) bool { return strings.EqualFold(a, value) }); i >= 0 {
		hint = "case counts: write " + allowed[i]
	}
	c.add(name, what, hint)
}

// dynamicRules: audit sinks need their feature gate, in the minors that have
// both. Source: kubernetes/apiserver kubernetes-1.18.0
// pkg/server/options/audit.go, AuditDynamicOptions.Validate.
func (c *checker) dynamicRules() {
	const name = "audit-dynamic-configuration"
	if c.isTrue(name) && !c.gate("DynamicAuditing") {
		c.add(name, "needs the feature gate DynamicAuditing, which is off", "add --feature-gates=DynamicAuditing=true")
	}
}

// gate reports whether an alpha feature is turned on: by name, where the last
// word counts, or else by AllAlpha. Source: kubernetes/component-base
// featuregate/feature_gate.go.
func (c *checker) gate(feature string) bool {
	set := map[string]bool{}
	for _, pair := range strings.Split(strings.Join(c.gates, ","), ",") {
		name, value, _ := strings.Cut(pair, "=")
		on, err := strconv.ParseBool(strings.TrimSpace(value))
		set[strings.TrimSpace(name)] = on && err == nil
	}
	if on, ok := set[feature]; ok {
		return on
	}
	return set["AllAlpha"]
}
