// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint_test

import (
	"fmt"
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/policy/lint"
	"github.com/auditsetup/auditsetup/profiles"
)

// TestProfilesAreClean: nothing above info on any of ours, for any version.
func TestProfilesAreClean(t *testing.T) {
	t.Parallel()
	for _, p := range profiles.All() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			for minor := apiserver.OldestSupportedMinor; minor <= apiserver.NewestMinor; minor++ {
				v := apiserver.Version{Minor: minor, Patch: -1}
				text, err := p.Policy(v)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range lint.Run(p.Name, text, lint.Options{Version: v}) {
					if f.Severity != lint.Info {
						t.Errorf("1.%d: %s %s [%s]", minor, f.Severity, f.Error(), f.ID)
					} else if testing.Verbose() && minor == 37 {
						fmt.Println(p.Name, f.Error(), f.ID)
					}
				}
			}
		})
	}
}
