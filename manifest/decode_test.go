// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	kjson "sigs.k8s.io/json"
	sigsyaml "sigs.k8s.io/yaml"
)

// TestDecode holds the skeleton that this package works on against the whole
// pod that the kubelet's decoder makes of the same bytes.
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
		got := decode([]byte(text))
		if got.full == nil {
			t.Fatalf("%s: %v", name, got.err)
		}
		pod, err := got.full()
		if err == nil && got.err != nil {
			t.Errorf("%s: error %v, and none for the whole pod", name, got.err)
		}
		if err != nil {
			continue
		}
		if want := wholeOf(t, text); !reflect.DeepEqual(pod, want) {
			t.Errorf("%s:\n%+v\nthe kubelet's decoder has\n%+v", name, pod, want)
		}
		if want := skeletonOf(t, pod); !equality.Semantic.DeepEqual(got.pod, want) {
			t.Errorf("%s:\n%+v\nthe kubelet's decoder has\n%+v", name, got.pod, want)
		}
	}
}

// wholeOf decodes all of a pod at once.
func wholeOf(t *testing.T, text string) *corev1.Pod {
	t.Helper()
	json, err := sigsyaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var pod corev1.Pod
	if err := kjson.UnmarshalCaseSensitivePreserveInts(json, &pod); err != nil {
		t.Fatal(err)
	}
	return &pod
}

// TestSpared wants what kubeadm writes decoded without the preparation for all
// types of a pod: that it names no field besides those of a skeleton.
func TestSpared(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/kubeadm/*/kube-apiserver.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		json, err := sigsyaml.YAMLToJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		var s skeleton
		if more, err := kjson.UnmarshalStrict(json, &s, kjson.DisallowUnknownFields); len(more) > 0 || err != nil {
			t.Errorf("%s: %v %v", f, more, err)
		}
	}
}

// skeletonOf takes the fields of a whole pod that a skeleton has.
func skeletonOf(t *testing.T, pod *corev1.Pod) skeleton {
	t.Helper()
	text, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	var s skeleton
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestUndecodable wants a pod refused for a field that is none of ours.
func TestUndecodable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../testdata/kubeadm/v1.37.1/kube-apiserver.yaml")
	if err != nil {
		t.Fatal(err)
	}
	bad := strings.Replace(string(text), "priority: 2000001000", "terminationGracePeriodSeconds: long", 1)
	m, err := Read("m.yaml", []byte(bad))
	if err != nil {
		t.Fatal(err)
	}
	_, applyErr := Apply(m, Want{Flags: []Flag{{"audit-log-path", "/var/log/a/a.log"}}})
	_, undoErr := Undo(m)
	for _, err := range []error{applyErr, undoErr} {
		if want := "m.yaml: the kubelet cannot decode this as a Pod: "; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want one that begins with %q", err, want)
		}
	}
}

// FuzzDecode holds the same of any bytes, and that nothing crashes: a manifest
// is decoded while it is not known yet whether it is sound.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("../testdata/manifests/v1.37.1/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("spec: {containers: [{ports: [{containerPort: 2147483648}], resources: {limits: {cpu: 0.5}}}]}"))
	f.Add([]byte("metadata: {creationTimestamp: 2020-01-01, labels: {a: !!binary YQ==}, finalizers: [~]}\nspec: {x: &x [*x]}"))
	f.Add([]byte("spec: {containers: [{args: [1]}], volumes: [{hostPath: {type: 1}}], securityContext: {runAsUser: 1.5}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got := decode(text)
		if got.full == nil {
			if got.err == nil {
				t.Fatal("neither a pod nor an error")
			}
			return
		}
		pod, err := got.full()
		switch {
		case err == nil && got.err != nil:
			t.Fatalf("error %v, and none for the whole pod", got.err)
		case err == nil && !reflect.DeepEqual(pod, wholeOf(t, string(text))):
			t.Fatalf("%+v\nthe kubelet's decoder has\n%+v", pod, wholeOf(t, string(text)))
		case err == nil && !equality.Semantic.DeepEqual(got.pod, skeletonOf(t, pod)):
			t.Fatalf("%+v\nthe kubelet's decoder has\n%+v", got.pod, skeletonOf(t, pod))
		}
	})
}
