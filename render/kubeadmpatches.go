// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
)

// The names of the two patches. kubeadm reads target[suffix][+type].extension
// and nothing else (kubernetes cmd/kubeadm/app/util/patches/patches.go,
// parseFilename), and applies files in the order of their names.
const (
	FlagsPatchName  = "kube-apiserver50auditsetup+json.yaml"
	MountsPatchName = "kube-apiserver51auditsetup+strategic.yaml"
	// FilesFolder is the folder, inside that of the patches, for what has to be
	// copied to the nodes. kubeadm walks into it and ignores what is there.
	FilesFolder = "files"
)

// patchMark ends the first line of each patch.
const patchMark = "a patch for kubeadm by auditsetup."

// IsOurPatch tells whether a file is a patch that [Kubeadm.Patches] wrote, by its
// first line.
func IsOurPatch(data []byte) bool {
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.HasPrefix(line, "# ") && strings.HasSuffix(line, patchMark)
}

// NamedFile is a file by its name in some folder.
type NamedFile struct {
	Name string
	Text []byte
}

// Patches are the files of a folder for kubeadm --patches, in the order in which
// kubeadm applies them. The flags are a JSON patch, since a strategic one would
// replace the whole command line (kubernetes/kubeadm#3113); volumes and mounts
// are a strategic one, which leaves those of others alone. withFiles says that
// FilesFolder is there too. The error is a [document.Problem]: kubeadm knows no
// patches before 1.19.
func (k *Kubeadm) Patches(withFiles bool) ([]NamedFile, error) {
	if k.Version.Minor > 0 && !k.Version.AtLeast(19) {
		return nil, document.Problem{File: "--format", What: fmt.Sprintf("kubeadm %s knows no patches: they came with 1.19", k.Version), Hint: "see --format kubeadm-config"}
	}
	var flags, mounts comment
	flags.say("The flags of Kubernetes audit logging, %s", patchMark)
	flags.say("It belongs together with %s.", MountsPatchName)
	k.patchHelp(&flags, withFiles)
	flags.WriteString("- {op: test, path: /spec/containers/0/name, value: " + manifest.ContainerName + "}\n")
	for _, f := range k.Flags {
		item, err := compactJSON("--" + f.Name + "=" + f.Value)
		if err != nil {
			return nil, err
		}
		flags.WriteString("- {op: add, path: /spec/containers/0/command/-, value: " + item + "}\n")
	}
	mounts.say("What the kube-apiserver has to see for Kubernetes audit logging, %s", patchMark)
	mounts.say("It belongs together with %s, whose head says how the two are applied and taken back.", FlagsPatchName)
	mounts.WriteString(k.strategic())
	return []NamedFile{{FlagsPatchName, []byte(flags.String())}, {MountsPatchName, []byte(mounts.String())}}, nil
}

func (k *Kubeadm) patchHelp(c *comment, withFiles bool) {
	source := ""
	if withFiles {
		source = "DIR/" + FilesFolder
	}
	c.say("")
	c.say("To apply it, on each control plane node, one after the other, with DIR for a copy of this folder:")
	c.say("  1. put there what the kube-apiserver reads when it starts, and where it writes:")
	c.files(k, source)
	c.say("  2. have kubeadm write the manifest, with ADDRESS for the one of --advertise-address in the manifest that is there:")
	const get = "kubectl -n kube-system get configmap kubeadm-config -o 'jsonpath={.data.ClusterConfiguration}'"
	init := "'localAPIEndpoint: {advertiseAddress: ADDRESS}'"
	if !k.oldPatches() {
		init += " 'patches: {directory: DIR}'"
	}
	c.say("     printf '%%s\\n' 'apiVersion: %s%s' 'kind: InitConfiguration' %s --- > init.yaml", kubeadmGroup, KubeadmAPI(k.Version), init)
	c.say("     %s >> init.yaml", get)
	flag := "--patches"
	if k.oldPatches() {
		flag = "--experimental-patches"
		c.say("     kubeadm init phase control-plane apiserver --config init.yaml %s DIR", flag)
	} else {
		c.say("     kubeadm init phase control-plane apiserver --config init.yaml")
	}
	c.say("  3. wait for the API server, and go on to the next node.")
	c.say("Every later kubeadm upgrade and kubeadm join --control-plane needs %s DIR too, as kubeadm", flag)
	c.say("does not keep it. Do not set audit flags in kubeadm's configuration beside it: they would come twice.")
	c.say("To take it back, remove the two files from DIR, and do 2 and 3 again.")
}

// oldPatches tells whether kubeadm is of the time before 1.22: a flag with
// another name, which goes with --config, and no field in the configuration
// (isAllowedFlag in kubernetes cmd/kubeadm/app/apis/kubeadm/validation of 1.20.15
// and 1.24.17).
func (k *Kubeadm) oldPatches() bool { return k.Version.Minor > 0 && !k.Version.AtLeast(22) }

// strategic is the pod with nothing but our part.
func (k *Kubeadm) strategic() string {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: Pod\nmetadata:\n  name: kube-apiserver\n  namespace: kube-system\n")
	for i, a := range [][2]string{{manifest.PolicyAnnotation, k.PolicyHash}, {manifest.UndoAnnotation, k.Undo}} {
		if a[1] == "" {
			continue
		}
		if i == 0 {
			b.WriteString("  annotations:\n")
		}
		b.WriteString("    " + a[0] + ": '" + strings.ReplaceAll(a[1], "'", "''") + "'\n")
	}
	if len(k.Mounts) == 0 {
		return b.String()
	}
	b.WriteString("spec:\n  containers:\n  - name: " + manifest.ContainerName + "\n    volumeMounts:\n")
	for _, w := range k.Mounts {
		fmt.Fprintf(&b, "    - name: %s\n      mountPath: %s\n", w.Name, text(w.MountPath))
		if w.ReadOnly {
			b.WriteString("      readOnly: true\n")
		}
	}
	b.WriteString("  volumes:\n")
	for _, w := range k.Mounts {
		fmt.Fprintf(&b, "  - name: %s\n    hostPath:\n      path: %s\n      type: %s\n", w.Name, text(w.HostPath), w.Type)
	}
	return b.String()
}

// plainText matches what every YAML reader takes for the same text without
// quotes, in block and in flow style.
var plainText = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9/_.=@+-]*$`)

// text writes a string as YAML, in quotes unless it is a path.
func text(s string) string {
	if strings.HasPrefix(s, "/") && plainText.MatchString(s) {
		return s
	}
	quoted, err := compactJSON(s)
	if err != nil {
		return `""` // cannot happen with a string
	}
	return quoted
}

// compactJSON writes a value as JSON, which is YAML too.
func compactJSON(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// patchName is what kubeadm reads of a file's name: the target, and the type
// behind the plus.
var patchName = regexp.MustCompile(`^kube-apiserver([^.+\n]*)?(\+)?(json|merge|strategic)?.*\.(json|yaml)$`)

// PatchesKubeAPIServer tells whether kubeadm takes a file for a patch of the
// kube-apiserver, by its name without folders.
func PatchesKubeAPIServer(name string) bool { return patchName.MatchString(name) }

// PatchClash says what makes somebody else's patch for the kube-apiserver one
// that ours cannot stand beside, as kubeadm applies every file of a folder. It
// is nil when there is nothing. file is the name for messages.
func PatchClash(file, base string, data []byte) document.Problems {
	var problems document.Problems
	kind := ""
	if sub := patchName.FindStringSubmatch(base); sub != nil {
		kind = sub[3]
	}
	for i, line := range strings.Split(string(data), "\n") {
		bare := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(bare, "#"):
		case strings.Contains(bare, "--audit-"):
			problems = append(problems, document.Problem{File: file, Line: i + 1, What: "this patch sets audit flags, which would be there twice",
				Hint: "take it out of the folder, or choose another folder with --out"})
		case kind != "json" && strings.Contains(strings.ReplaceAll(bare, `"`, ""), "command:"):
			problems = append(problems, document.Problem{File: file, Line: i + 1, What: "this patch replaces the whole command line, audit flags included",
				Hint: "make it a JSON patch that adds to /spec/containers/0/command/-, or choose another folder with --out"})
		}
	}
	return problems
}
