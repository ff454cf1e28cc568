// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"fmt"
	"testing"

	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/audit/policy"

	"github.com/auditsetup/auditsetup/apiserver"
)

// TestFlagSet: the same flags, of the same type and default, as upstream has.
func TestFlagSet(t *testing.T) {
	t.Parallel()
	fs, _ := upstream()
	theirs := 0
	fs.VisitAll(func(u *pflag.Flag) {
		theirs++
		f, ok := apiserver.Lookup(u.Name)
		if !ok || !f.In(asked) {
			t.Errorf("upstream has --%s, which the table has not", u.Name)
			return
		}
		if f.Type != u.Value.Type() || f.Default(asked) != u.DefValue || (f.Deprecated != 0) != (u.Deprecated != "") {
			t.Errorf("upstream has --%s %s %q, deprecated %q; the table has %+v", u.Name, u.Value.Type(), u.DefValue, u.Deprecated, f)
		}
	})
	ours := 0
	for _, f := range apiserver.Flags() {
		if f.In(asked) {
			ours++
		}
	}
	if ours != theirs {
		t.Errorf("the table has %d flags, upstream %d", ours, theirs)
	}
}

// TestPolicyFacts: what upstream's reader makes of the API versions, of the
// group "*" and of omitManagedFields is what the facts say.
func TestPolicyFacts(t *testing.T) {
	t.Parallel()
	load := func(version, rule string) error {
		_, err := policy.LoadPolicyFromBytes([]byte(fmt.Sprintf("apiVersion: %s\nkind: Policy\nrules: [%s]\n", version, rule)))
		return err
	}
	current := map[string]bool{}
	for _, v := range apiserver.APIVersions(asked) {
		current[v] = true
	}
	for _, v := range apiserver.APIVersions(apiserver.Version{Minor: apiserver.OldestMinor}) {
		if err := load(v, "{level: Metadata}"); (err == nil) != current[v] {
			t.Errorf("%s: %v", v, err)
		}
	}
	err := load("audit.k8s.io/v1", `{level: Metadata, resources: [{group: "*"}]}`)
	if (err == nil) != apiserver.GroupWildcard(asked) {
		t.Errorf("group *: %v", err)
	}
	p, err := policy.LoadPolicyFromBytes([]byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nomitManagedFields: true\nrules: [{level: None}]\n"))
	if err != nil || p.OmitManagedFields != apiserver.OmitManagedFields(asked) {
		t.Errorf("omitManagedFields: %+v, %v", p, err)
	}
}
