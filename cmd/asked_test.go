// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/auditsetup/auditsetup/persist"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/spf13/cobra"
)

// TestSaidIsHeard reads the flags that say a Spec with every part set, which must
// give that Spec again.
func TestSaidIsHeard(t *testing.T) {
	t.Parallel()
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	rate, size, zero := 250.5, 7, 0.0
	hook := setup.Webhook{URL: "https://x/", CAFile: "/c", ClientCertificateFile: "/d e", ClientKeyFile: "/k", TokenFile: "/t", InsecureSkipTLSVerify: true,
		Path: "/p", Mode: "batch", InitialBackoff: "5s", MaxEventSize: "1Ki", MaxBody: "1Mi"}
	for name, want := range map[string]setup.Spec{
		"nothing": {},
		"everything": {KubeVersion: "1.30", Policy: setup.Policy{Profile: "gce", Path: "/p"}, Backends: []setup.Backend{"log", "webhook"},
			Receiver: "falco",
			Load:     setup.Load{RequestsPerSecond: &rate, ClusterRequestsPerSecond: &rate, Servers: &size, MeanRequestsPerSecond: &rate, PeakFactor: &rate, Outage: "3m", MemoryBudget: "1Gi", EventsPerRequest: &rate, BytesPerEvent: &zero, Stall: "1s", Headroom: &rate, BatchSize: &size, MaxWait: "2s"},
			Log:      setup.Log{Path: "/l", Mode: "batch", Retention: "30d", DiskBudget: "1Gi", Compress: true}, Webhook: hook,
			Flags: map[string]string{"a": "b=c", "d": "e, f"}, TakeOver: true, Persist: "none"},
		"files": {Policy: setup.Policy{File: policy}, Webhook: setup.Webhook{ConfigFile: policy}},
	} {
		o := &enableOptions{}
		c := &cobra.Command{Use: "x"}
		c.SetOut(io.Discard)
		o.addWhat(c)
		o.addLoad(c.Flags())
		o.keeping.add(c, "", persist.KubeadmConfig, persist.KubeadmPatches, persist.None)
		var args []string
		said, _ := want.Said()
		for _, f := range said {
			if args = append(args, "--"+f.Flag); f.Value != "" {
				args = append(args, f.Value)
			}
		}
		if err := c.ParseFlags(args); err != nil {
			t.Fatal(err)
		}
		in, err := o.input(c.Flags(), &inputs{})
		o.layPersist(c.Flags(), &in)
		if err != nil || !reflect.DeepEqual(in.Spec, want) {
			t.Errorf("%s: %v\n%+v\nwant\n%+v", name, err, in.Spec, want)
		}
	}
}

// TestPersistWords holds the two lists of places together, of which neither
// package may import the other's.
func TestPersistWords(t *testing.T) {
	t.Parallel()
	if want := []string{string(persist.KubeadmConfig), string(persist.KubeadmPatches), string(persist.None)}; !slices.Equal(setup.Persists(), want) {
		t.Errorf("%v, want %v", setup.Persists(), want)
	}
}
