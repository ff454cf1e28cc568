// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/apis/audit"
	auditscheme "k8s.io/apiserver/pkg/audit"
	upstream "k8s.io/apiserver/pkg/audit/policy"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
)

// Whatever Read accepts, kube-apiserver's strict decoder takes without a
// warning and reads as the same policy, its loader accepts, and reading the
// result again changes nothing. What it refuses it refuses with a place.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		header + "rules:\n- level: Metadata\n", evaluated, strings.ReplaceAll(evaluated, "\n", "\r\n"),
		strings.Replace(evaluated, "audit.k8s.io/v1", "'audit.k8s.io/v1beta1'", 1),
		`{"apiVersion":"audit.k8s.io/v1alpha1","kind":"Policy","rules":[{"level":"None","omitManagedFields":true}]}`,
		header + "metadata: {creationTimestamp: null, labels: {a: b}}\nrules:\n- {level: None, resources: [{group: '*'}]}\n",
		header + "rules:\n- level: metadata\n  resource: []\n  users: yes\n",
	} {
		f.Add([]byte(seed), uint8(37))
		f.Add([]byte(seed), uint8(18))
	}
	f.Fuzz(func(t *testing.T, data []byte, minor uint8) {
		v := apiserver.Version{Minor: int(minor), Patch: -1}
		p, err := Read("f", data, v)
		if err != nil {
			for _, problem := range document.ProblemsOf(err) {
				if problem.File != "f" || strings.Contains(problem.What, "kube-apiserver would re") {
					t.Fatalf("only kube-apiserver's loader found %v", err)
				}
			}
			return
		}
		var strict audit.Policy
		decoder := serializer.NewCodecFactory(auditscheme.Scheme, serializer.EnableStrict).UniversalDecoder()
		if _, _, err := decoder.Decode(p.Bytes(), nil, &strict); err != nil {
			t.Fatalf("strictly: %v", err)
		}
		loaded, err := upstream.LoadPolicyFromBytes(p.Bytes())
		if err != nil || !equality.Semantic.DeepEqual(&strict, loaded) {
			t.Fatalf("loaded as %+v, %v; want %+v", loaded, err, strict)
		}
		again, err := Read("f", p.Bytes(), v)
		if err != nil || !slices.Equal(again.Bytes(), p.Bytes()) || again.Notes != nil {
			t.Fatalf("read again: %+v, %v", again, err)
		}
	})
}
