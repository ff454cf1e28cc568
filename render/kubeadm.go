// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/setup"
	"sigs.k8s.io/yaml"
)

// VolumePrefix begins the name of every volume that setup.Desired asks for. In
// a kubeadm configuration it tells our volumes from those of others, since no
// record of what was written can be kept there.
const VolumePrefix = "auditsetup-"

// Kubeadm is what kubeadm has to add to the static pod of a kube-apiserver when
// it writes the manifest anew. Make one with [NewKubeadm]. One with Flags and
// Mounts alone is enough for [Kubeadm.Into], and the zero value there takes out
// every audit flag and every mount of ours.
type Kubeadm struct {
	// Version of the kube-apiserver, by which the configuration's API is chosen.
	Version apiserver.Version
	// Flags are the audit flags, each once.
	Flags []manifest.Flag
	// Mounts are those that kubeadm's own volumes do not cover already.
	Mounts []manifest.Mount
	// PolicyHash and Undo are the values of manifest.PolicyAnnotation and
	// manifest.UndoAnnotation. With both, disable takes the audit part out of a
	// manifest that kubeadm wrote just as if enable had put it in.
	PolicyHash, Undo string
	// Files and Folders have to be on every control plane node.
	Files   []setup.File
	Folders []setup.Folder
	// Profile is the name of the profile that alone makes the policy; "" when
	// there is more to it.
	Profile string
}

// NewKubeadm works out what kubeadm has to add for a kube-apiserver to be as
// desired. m is the manifest that it has now, audit settings or not, which says
// what is mounted already; nil stands for a manifest of kubeadm with nothing
// but its own volumes. The error is that of manifest.Apply: mounts that clash.
func NewKubeadm(m *manifest.Manifest, d *setup.Desired) (*Kubeadm, error) {
	want := d.Want()
	want.TakeOver = true // flags of others are looked at where it is known who wrote them
	if m != nil {
		if _, err := manifest.Apply(m, want); err != nil {
			return nil, err
		}
	}
	k := &Kubeadm{Version: d.Version, Flags: want.Flags, PolicyHash: want.PolicyHash, Files: d.Files, Folders: d.Folders}
	if p := d.Spec.Policy; p.File == "" && len(p.ExtraRules) == 0 {
		k.Profile = p.Profile
	}
	return k, k.place(sureMounts(m), want)
}

// KubeadmOf reads back what Into put into a configuration, or what somebody else
// put there: all audit arguments, of a repeated one the last, and the volumes of
// ours. Only Flags, Mounts and Undo are set, Undo without a hash of the policy.
// The error is [document.Problems]. Without a ClusterConfiguration there is
// nothing.
func KubeadmOf(file string, data []byte) (*Kubeadm, error) {
	f, err := readKubeadm(file, data)
	if err != nil {
		return nil, err
	}
	s := &splice{kubeadmFile: f, k: &Kubeadm{}}
	if _, _, _, err := s.entries(); err != nil {
		return nil, err
	}
	k, last := &Kubeadm{}, map[string]int{}
	for _, a := range s.args {
		if !isAuditArg(a.name) {
			continue
		}
		flag := manifest.Flag{Name: flagName(a.name)}
		if a.value != nil {
			flag.Value = a.value.Value
		}
		if i, twice := last[flag.Name]; twice {
			k.Flags[i] = flag
			continue
		}
		last[flag.Name] = len(k.Flags)
		k.Flags = append(k.Flags, flag)
	}
	for _, v := range s.volumes {
		if strings.HasPrefix(v.Name, VolumePrefix) {
			k.Mounts = append(k.Mounts, v.Mount)
		}
	}
	if len(k.Flags) == 0 && len(k.Mounts) == 0 {
		return k, nil
	}
	want := manifest.Want{Flags: k.Flags, Mounts: k.Mounts}
	k.Mounts = nil
	return k, k.place([]manifest.Mount{{Name: "other", HostPath: "/other", MountPath: "/other"}}, want)
}

// place fills in Mounts and Undo as enable would on the manifest that kubeadm
// writes without any audit setting and with the given mounts: the record names
// text and not places, so that it holds for the one that kubeadm writes with them.
func (k *Kubeadm) place(mounts []manifest.Mount, want manifest.Want) error {
	bare, err := standIn(mounts)
	if err != nil {
		return err
	}
	result, err := manifest.Apply(bare, want)
	if err != nil {
		return err
	}
	after, err := manifest.Read("", result.After)
	if err != nil {
		return err
	}
	k.Undo = after.Annotation(manifest.UndoAnnotation)
	for _, w := range after.Mounts() {
		if strings.HasPrefix(w.Name, VolumePrefix) {
			k.Mounts = append(k.Mounts, w)
		}
	}
	return nil
}

// kubeadmMounts are what every release of kubeadm from 1.13 to 1.37 mounts
// whatever is on the machine (kubernetes cmd/kubeadm/app/phases/controlplane/volumes.go).
var kubeadmMounts = []manifest.Mount{
	{Name: "ca-certs", HostPath: "/etc/ssl/certs", MountPath: "/etc/ssl/certs", Type: "DirectoryOrCreate", ReadOnly: true},
	{Name: "k8s-certs", HostPath: "/etc/kubernetes/pki", MountPath: "/etc/kubernetes/pki", Type: "DirectoryOrCreate", ReadOnly: true},
}

// sureMounts are the kubeadmMounts, from the places that m has them from; m may
// be nil. What else m mounts may be gone when kubeadm writes it anew.
func sureMounts(m *manifest.Manifest) []manifest.Mount {
	mounts := slices.Clone(kubeadmMounts)
	if m == nil {
		return mounts
	}
	for _, have := range m.Mounts() {
		for i := range mounts {
			if mounts[i].Name == have.Name {
				mounts[i] = have
			}
		}
	}
	return mounts
}

// standIn is a manifest like kubeadm's as far as audit is concerned.
func standIn(mounts []manifest.Mount) (*manifest.Manifest, error) {
	type object = map[string]any
	var volumes, volumeMounts []object
	for _, w := range mounts {
		source := object{"path": w.HostPath}
		if w.Type != "" {
			source["type"] = w.Type
		}
		volumes = append(volumes, object{"name": w.Name, "hostPath": source})
		volumeMounts = append(volumeMounts, object{"name": w.Name, "mountPath": w.MountPath, "readOnly": w.ReadOnly})
	}
	text, err := yaml.Marshal(object{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": object{"name": manifest.ContainerName, "annotations": object{"kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint": ""}},
		"spec": object{
			"containers": []object{{"name": manifest.ContainerName, "image": manifest.ContainerName, "command": []string{manifest.ContainerName, "--secure-port=6443"}, "volumeMounts": volumeMounts}},
			"volumes":    volumes,
		},
	})
	if err != nil {
		return nil, err
	}
	return manifest.Read("the manifest that kubeadm would write", text)
}

// comment is lines of a YAML comment.
type comment struct{ strings.Builder }

// say adds a line, or a blank one.
func (c *comment) say(format string, args ...any) {
	line := strings.TrimRight("# "+fmt.Sprintf(format, args...), " ")
	c.WriteString(line + "\n")
}

// FileName is what the i-th of Files is called in FilesFolder: never like a patch,
// whatever it is called on the node, since kubeadm looks into that folder too.
func (k *Kubeadm) FileName(i int) string {
	if i == 0 {
		return "policy.yaml"
	}
	return fmt.Sprintf("webhook%s.yaml", strings.Repeat("-", i-1))
}

// files says how the files come to a node. source is the folder that they lie
// in; empty when they were not written.
func (c *comment) files(k *Kubeadm, source string) {
	for _, f := range k.Folders {
		c.say("     mkdir -p -m %04o %s", f.Mode.Perm(), quoteWord(f.Path))
	}
	for i, f := range k.Files {
		mode := f.Mode.Perm()
		switch {
		case source != "":
			c.say("     install -m %04o %s %s", mode, source+"/"+k.FileName(i), quoteWord(f.Path))
		case i == 0 && k.Profile != "":
			c.say("     auditsetup profiles show %s --kube-version %s | tail -n +3 > %s", k.Profile, strings.TrimPrefix(k.Version.String(), "v"), quoteWord(f.Path))
			c.say("     chmod %04o %s", mode, quoteWord(f.Path))
		default:
			c.say("     and %s, mode %04o: %s", f.Path, mode, f.Reason)
		}
	}
}

// quoteWord writes a path as one word for a shell.
func quoteWord(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%"
	if strings.Trim(s, plain) == "" && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
