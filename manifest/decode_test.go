// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"
	sigsyaml "sigs.k8s.io/yaml"
)

// TestDecode holds the pod that this package sees against the one that the
// decoder of the kubelet makes of the same bytes.
func TestDecode(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/manifests/*/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	texts := map[string]string{
		"kinds":       `{apiVersion: v1, kind: Pod, spec: {containers: [{name: a, args: ["1"], resources: {limits: {cpu: 1, memory: 1Gi}}, ports: [{containerPort: 80}], livenessProbe: {httpGet: {port: 80}, periodSeconds: 5}}], terminationGracePeriodSeconds: 30, hostNetwork: true}}`,
		"null":        "{apiVersion: v1, kind: Pod, metadata: {creationTimestamp: null, annotations: null}, spec: {containers: null}, status: {}}",
		"unknown":     "{apiVersion: v1, kind: Pod, spec: {containers: [], no: [such, field]}, Spec: 1}",
		"text number": "{apiVersion: v1, kind: Pod, spec: {priority: \"1\"}}",
		"number text": "{apiVersion: v1, kind: Pod, metadata: {name: 1}}",
		"list":        "{apiVersion: v1, kind: Pod, spec: {containers: {}}}",
		"text list":   "{apiVersion: v1, kind: Pod, spec: {containers: [{args: a}]}}",
		"big":         "{apiVersion: v1, kind: Pod, spec: {priority: 99999999999}}",
		"fraction":    "{apiVersion: v1, kind: Pod, spec: {priority: 1.5}}",
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		texts[f] = string(text)
	}
	for name, text := range texts {
		var want corev1.Pod
		asJSON, err := sigsyaml.YAMLToJSONStrict([]byte(text))
		if err == nil {
			err = kjson.UnmarshalCaseSensitivePreserveInts(asJSON, &want)
		}
		got := decode([]byte(text))
		if (err == nil) != (got.err == nil) {
			t.Errorf("%s: error %v, the kubelet's decoder has %v", name, got.err, err)
		}
		if err == nil && !reflect.DeepEqual(got.pod, want) {
			t.Errorf("%s:\n%+v\nthe kubelet's decoder has\n%+v", name, got.pod, want)
		}
	}
}
