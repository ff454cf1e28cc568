// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/render"
	"github.com/auditsetup/auditsetup/restart"
	"github.com/auditsetup/auditsetup/rollout"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/webhook"
	"github.com/spf13/pflag"
)

// hostFlags say which machine, or image of one, a command works on.
type hostFlags struct {
	host     node.Host
	manifest string
	noWait   bool
	timeout  time.Duration
}

func (h *hostFlags) add(f *pflag.FlagSet) {
	f.StringVar(&h.manifest, "manifest", setup.DefaultManifest, "static pod manifest of the kube-apiserver")
	f.StringVar(&h.host.Root, "root", "", "take all paths below this folder, the image of a machine; nothing is restarted or waited for")
	f.StringVar(&h.host.StateDir, "state-dir", node.DefaultStateDir, "where records and backups are kept")
	f.BoolVar(&h.noWait, "no-wait", false, "do not wait for the API server to come back, prove nothing and put nothing back")
	f.DurationVar(&h.timeout, "timeout", rollout.DefaultTimeout, "how long the API server may take to come back before everything is put back")
}

// check refuses places that cannot be meant.
func (h *hostFlags) check() error {
	var problems document.Problems
	h.host.Version = toolVersion()
	if root := h.host.Root; root != "" {
		info, err := os.Stat(root)
		switch {
		case err != nil:
			problems.Add("--root", fmt.Sprintf("%s cannot be opened: %s", root, cause(err)), "name the folder that is the root of the machine's files")
		case !info.IsDir():
			problems.Add("--root", root+" is not a folder", "name the folder that is the root of the machine's files")
		}
	}
	for _, f := range []struct{ flag, path, hint string }{
		{"--manifest", h.manifest, "write it from /, as the machine sees it, such as " + setup.DefaultManifest},
		{"--state-dir", h.host.StateDir, "write it from /, as the machine sees it, such as " + node.DefaultStateDir},
	} {
		if !path.IsAbs(f.path) || path.Clean(f.path) != f.path {
			problems.Add(f.flag, fmt.Sprintf("%q is not a plain absolute path", f.path), f.hint)
		}
	}
	if h.timeout <= 0 {
		problems.Add("--timeout", fmt.Sprintf("%s leaves no time to come back", h.timeout), "give it some minutes, or add --no-wait")
	}
	if dir := path.Dir(h.manifest); problems == nil && (h.host.StateDir == dir || strings.HasPrefix(h.host.StateDir, dir+"/")) {
		problems.Add("--state-dir", h.host.StateDir+" is in the manifests folder, where the kubelet takes every file for a pod",
			"choose another folder, such as "+node.DefaultStateDir)
	}
	return problems.Err()
}

// readManifest reads the static pod and refuses what the kubelet would run in
// its place. The bytes are nil when there are none; a manifest comes with an
// error when only something beside it is wrong.
func (h *hostFlags) readManifest() (*manifest.Manifest, []byte, error) {
	shown := h.host.Display(h.manifest)
	file, err := h.host.Read(h.manifest)
	if err != nil {
		return nil, nil, hinted(err, shown, "check the path given with --manifest; kubeadm's is "+setup.DefaultManifest+", on a control plane")
	}
	m, err := manifest.Read(shown, file.Bytes)
	err = hinted(err, shown, "check the path given with --manifest, or get the file back, such as from a backup")
	return m, file.Bytes, combine(err, h.alone())
}

// alone refuses the files beside the manifest that the kubelet runs too: it would
// take what is written to the one at once, and the other again at its next look
// at the folder. In a folder that is not there is nothing.
func (h *hostFlags) alone() error {
	strays, err := h.host.Strays(h.manifest)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	var problems document.Problems
	for _, s := range strays {
		problems = append(problems, s.Problem)
	}
	return combine(err, problems.Err())
}

// hinted adds a hint to the problems with a whole file that have none.
func hinted(err error, file, hint string) error {
	problems := document.ProblemsOf(err)
	for i, p := range problems {
		if p.File == file && p.Hint == "" && p.Line == 0 {
			problems[i].Hint = hint
		}
	}
	return problems.Err()
}

// resolve works out the setup for the manifest that was read. Without one,
// whatever else is wrong is found all the same.
func resolve(in setup.Input, m *manifest.Manifest, shown string, data []byte, inErr, readErr error) (*setup.Desired, error) {
	if m == nil && in.Spec.KubeVersion == "" {
		return nil, combine(inErr, readErr, setup.Check(in).Err())
	}
	if m != nil {
		in.Image = m.Image()
		in.RunAsUser, _ = m.RunsAs()
		line := 0
		if before, _, ok := bytes.Cut(data, []byte(in.Image)); ok && in.Image != "" {
			line = 1 + bytes.Count(before, []byte("\n"))
		}
		in.Origins["image"] = document.Problem{File: shown, Line: line}
	}
	in.Now = time.Now()
	desired, err := setup.Resolve(in)
	return desired, combine(inErr, readErr, err)
}

// planned is a change of a host, worked out and not made.
type planned struct {
	desired *setup.Desired // nil for disable
	result  *manifest.Result
	change  node.Change
	display func(string) string
	// kept is where the setup is kept for kubeadm; nil for what keeps nothing.
	kept *keeper

	// what the preflight found, once it has looked
	examined bool
	kubelet  restart.Kubelet
	final    bool // there is nothing better to go back to
	down     bool // the API server is
}

// onHost tells Resolve of the host: its places, and how to read its files.
func (h *hostFlags) onHost(in *setup.Input) {
	in.Manifest, in.StateDir = h.manifest, h.host.StateDir
	in.HostFile = func(path string) ([]byte, error) {
		file, err := h.host.Read(path)
		if err != nil {
			return nil, err
		}
		return file.Bytes, nil
	}
}

// planEnable works out what it takes to have the wanted setup on the host.
// inErr is what was found wrong with the input so far.
func (o *enableOptions) planEnable(in setup.Input, inErr error) (*planned, error) {
	m, bytes, readErr := o.readManifest()
	o.onHost(&in)
	desired, err := resolve(in, m, o.host.Display(o.manifest), bytes, inErr, readErr)
	if err != nil {
		return nil, err
	}
	p := &planned{desired: desired, display: o.host.Display}
	p.change.Command = "enable"
	if p.kept, err = o.lookKept(m, o.patches); err != nil {
		return nil, err
	}
	adopted := p.kept.adopt(m, o.host.Display(o.manifest), bytes)
	p.result, err = manifest.Apply(adopted, desired.Want())
	if err := combine(err, o.planFiles(p, adopted)); err != nil {
		return nil, err
	}
	p.change.Manifest = &node.FileChange{Path: o.manifest, Old: bytes, New: p.result.After}
	if p.settled(m, adopted) {
		p.change.Manifest.New = bytes
	}
	for _, f := range desired.Folders {
		p.change.Folders = append(p.change.Folders, node.FolderChange{Path: f.Path, Mode: f.Mode})
	}
	if err := p.kept.planIn(in.Origins, adopted, desired); err != nil {
		return nil, err
	}
	if p.change.Asked, err = o.asked(desired, in.Spec); err != nil {
		return nil, err
	}
	p.keepFiles()
	return p, nil
}

// keepFiles has the files that keep the setup changed along with the others.
func (p *planned) keepFiles() {
	if plan := p.kept.plan; plan != nil {
		p.change.Files = append(p.change.Files, plan.Files...)
		p.change.Folders = append(p.change.Folders, plan.Folders...)
	}
}

// planFiles compares the files to write with those that are there. A file that
// auditsetup did not write is somebody's, and replaced only when asked.
func (h *hostFlags) planFiles(p *planned, m *manifest.Manifest) error {
	var problems document.Problems
	for _, f := range p.desired.Files {
		old, err := h.host.Read(f.Path)
		change := node.FileChange{Path: f.Path, New: f.Content, Mode: f.Mode, Secret: f.Secret}
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			problems = append(problems, document.ProblemsOf(err)...)
		default:
			change.Old = old.Bytes
			change.Secret = f.Secret || webhook.HoldsSecrets(old.Bytes)
			ours := p.desired.Spec.TakeOver || bytes.Equal(old.Bytes, f.Content) || setup.Wrote(m.Annotation(manifest.PolicyAnnotation), old.Bytes)
			if !ours {
				written, err := h.wrote(f.Path, old.Bytes)
				problems = append(problems, document.ProblemsOf(err)...)
				ours = written != nil
			}
			if !ours {
				problems.Add(h.host.Display(f.Path), "is there already, and not as auditsetup wrote it",
					"choose another place with "+placeFlag(p.desired, f.Path)+", or add --take-over to replace it, and auditsetup disable puts it back")
			}
		}
		p.change.Files = append(p.change.Files, change)
	}
	return problems.Err()
}

// placeFlag is the flag that says where a file goes.
func placeFlag(d *setup.Desired, path string) string {
	if d.Webhook != nil && path == d.Spec.Webhook.Path {
		return "--webhook-path"
	}
	return "--policy-path"
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// showDiff prints the diff of every file that the change touches, and its
// removals.
func (p *planned) showDiff(w io.Writer) {
	for _, f := range p.files() {
		if f.Secret {
			fmt.Fprintf(w, "# %s holds credentials and is not shown\n", p.display(f.Path))
			continue
		}
		_, _ = w.Write(render.Diff(p.display(f.Path), f.Old, after(f)))
	}
}
