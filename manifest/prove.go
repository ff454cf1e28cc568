// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// plan names the volumes and mounts in which two manifests may differ, besides
// audit flags and our annotations.
type plan struct {
	volumes []string
	mounts  []mountKey
}

type mountKey struct{ name, path string }

func keyOfMount(vm corev1.VolumeMount) mountKey { return mountKey{vm.Name, vm.MountPath} }

// plan is what an Apply that left this record was to add.
func (r *record) plan() plan {
	var p plan
	for _, w := range r.Mounts {
		p.volumes, p.mounts = append(p.volumes, w.Name), append(p.mounts, mountKey{w.Name, w.MountPath})
	}
	return p
}

// proveApplied shows, on what a reader of the new bytes gets, that they hold
// everything wanted, exactly once, that nothing else differs, and that Undo
// leads back to the very bytes of m.
func (m *Manifest) proveApplied(changed *Manifest, want Want, mounts []Mount) error {
	var got []Flag
	for _, s := range changed.AuditSettings() {
		got = append(got, Flag{s.Name, s.Value})
	}
	byName := func(a, b Flag) int { return strings.Compare(a.Name, b.Name) }
	wanted := slices.Clone(want.Flags)
	slices.SortFunc(got, byName)
	slices.SortFunc(wanted, byName)
	if !slices.Equal(got, wanted) {
		return m.trouble("the outcome has the audit flags %v instead of %v", got, wanted)
	}
	for _, w := range mounts {
		if !slices.Contains(changed.Mounts(), w) {
			return m.trouble("the outcome lacks the mount %v", w)
		}
	}
	if len(changed.pod.Spec.Volumes) != len(m.pod.Spec.Volumes)+len(mounts) || changed.Annotation(PolicyAnnotation) != want.PolicyHash || !changed.Changed() {
		return m.trouble("the outcome has other volumes or annotations than planned")
	}
	if err := m.sameApartFrom(changed.record.plan(), changed); err != nil {
		return err
	}
	if !changed.revertsTo(m.raw) {
		return m.trouble("undoing the change would not give back the same bytes")
	}
	return nil
}

// proveUndone shows that nothing of ours is left, that what we had taken over
// is there again, and that nothing else differs.
func (m *Manifest) proveUndone(after []byte, u *undoing) (*Manifest, error) {
	base, err := Read(m.file, after)
	if err != nil {
		return nil, m.trouble("the outcome would be unreadable: %v", err)
	}
	for key := range base.pod.Metadata.Annotations {
		if isOurs(key) {
			return nil, m.trouble("the outcome still has the annotation %s", key)
		}
	}
	for _, name := range u.gone.volumes {
		if base.volume(name) != nil {
			return nil, m.trouble("the outcome still has the volume %s", name)
		}
	}
	for _, vm := range base.ownContainer().VolumeMounts {
		if slices.Contains(u.gone.mounts, keyOfMount(vm)) {
			return nil, m.trouble("the outcome still has the mount %s", vm.MountPath)
		}
	}
	want := u.back
	for _, l := range m.argLists() {
		for _, n := range l.node.Content {
			if !u.dropped[n] && !u.swapped[n] {
				want = append(want, n.Value)
			}
		}
	}
	c := base.ownContainer()
	have := slices.Concat(c.Command, c.Args)
	slices.Sort(want)
	slices.Sort(have)
	if !slices.Equal(want, have) {
		return nil, m.trouble("the outcome would have other flags than before")
	}
	return base, m.sameApartFrom(u.gone, base)
}

// sameApartFrom compares everything but audit flags, our annotations and what
// the plan names: as pods and, for fields that this build of the Kubernetes API
// does not know, as trees.
func (m *Manifest) sameApartFrom(p plan, other *Manifest) error {
	before, err := m.full()
	if err != nil {
		return m.undecodable(err)
	}
	after, err := other.full()
	if err != nil {
		return m.trouble("the outcome would not be a pod: %v", err)
	}
	samePod := reflect.DeepEqual(m.strippedPod(before, p), other.strippedPod(after, p))
	if samePod && m.plain && other.plain {
		return nil
	}
	a, b := m.stripped(p), other.stripped(p)
	switch {
	case !reflect.DeepEqual(a, b):
		return m.trouble("something would change that was not meant to: %s", firstDifference("", a, b))
	case !samePod:
		return m.trouble("something would change in the pod that was not meant to")
	}
	return nil
}

// stripped is the document as plain values, without the planned fields.
func (m *Manifest) stripped(p plan) map[string]any {
	tree := m.tree()
	metadata, _ := tree["metadata"].(map[string]any)
	notes, _ := metadata["annotations"].(map[string]any)
	maps.DeleteFunc(notes, func(key string, _ any) bool { return isOurs(key) })
	dropEmpty(metadata, "annotations")
	spec, _ := tree["spec"].(map[string]any)
	without(spec, "volumes", func(v map[string]any) bool {
		name, _ := v["name"].(string)
		return slices.Contains(p.volumes, name)
	})
	containers, _ := spec["containers"].([]any)
	container, _ := containers[m.index].(map[string]any)
	without(container, "volumeMounts", func(v map[string]any) bool {
		name, _ := v["name"].(string)
		at, _ := v["mountPath"].(string)
		return slices.Contains(p.mounts, mountKey{name, at})
	})
	for _, l := range m.argLists() {
		list, _ := container[l.name].([]any)
		rest, audit := []any{}, m.auditItems(l)
		for i, item := range list {
			if !audit[i] {
				rest = append(rest, item)
			}
		}
		container[l.name] = rest
	}
	dropEmpty(container, "command")
	dropEmpty(container, "args")
	return tree
}

// strippedPod is the pod without the planned fields; it shares the others.
func (m *Manifest) strippedPod(full *corev1.Pod, p plan) corev1.Pod {
	pod := *full
	pod.Annotations = maps.Clone(pod.Annotations)
	maps.DeleteFunc(pod.Annotations, func(key, _ string) bool { return isOurs(key) })
	if len(pod.Annotations) == 0 {
		pod.Annotations = nil
	}
	pod.Spec.Volumes = left(pod.Spec.Volumes, func(_ int, v corev1.Volume) bool { return slices.Contains(p.volumes, v.Name) })
	pod.Spec.Containers = slices.Clone(pod.Spec.Containers)
	c := &pod.Spec.Containers[m.index]
	c.VolumeMounts = left(c.VolumeMounts, func(_ int, vm corev1.VolumeMount) bool { return slices.Contains(p.mounts, keyOfMount(vm)) })
	for _, l := range m.argLists() {
		audit := m.auditItems(l)
		drop := func(i int, _ string) bool { return audit[i] }
		if l.name == "args" {
			c.Args = left(c.Args, drop)
		} else {
			c.Command = left(c.Command, drop)
		}
	}
	return pod
}

// auditItems are the indexes of the items that belong to audit flags.
func (m *Manifest) auditItems(l argList) map[int]bool {
	audit := map[int]bool{}
	for _, a := range flagsIn(l.node) {
		for k := range a.items {
			audit[a.at+k] = isAudit(a.name)
		}
	}
	return audit
}

// left is a copy of the list without what drop selects, nil when it is empty.
func left[T any](list []T, drop func(int, T) bool) []T {
	var rest []T
	for i, item := range list {
		if !drop(i, item) {
			rest = append(rest, item)
		}
	}
	return rest
}

// without drops the selected entries of a list.
func without(parent map[string]any, key string, drop func(map[string]any) bool) {
	list, _ := parent[key].([]any)
	if parent != nil {
		parent[key] = slices.DeleteFunc(list, func(item any) bool {
			entry, _ := item.(map[string]any)
			return drop(entry)
		})
		dropEmpty(parent, key)
	}
}

// dropEmpty makes an absent, a null and an empty value the same.
func dropEmpty(parent map[string]any, key string) {
	switch v := parent[key].(type) {
	case nil:
		delete(parent, key)
	case []any:
		if len(v) == 0 {
			delete(parent, key)
		}
	case map[string]any:
		if len(v) == 0 {
			delete(parent, key)
		}
	}
}

// firstDifference names the first path at which two trees differ.
func firstDifference(at string, a, b any) string {
	x, ok := a.(map[string]any)
	y, ok2 := b.(map[string]any)
	if ok && ok2 {
		for k := range x {
			if !reflect.DeepEqual(x[k], y[k]) {
				return firstDifference(at+"."+k, x[k], y[k])
			}
		}
		for k := range y {
			if _, ok := x[k]; !ok {
				return at + "." + k
			}
		}
	}
	return at
}
