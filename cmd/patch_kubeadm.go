// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/render"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// kubeadmFormats are what patch prints for kubeadm to read.
type kubeadmFormats struct {
	into string
	api  enum
	out  string

	config []byte // the content of into
}

func (o *kubeadmFormats) add(c *cobra.Command) {
	o.api = enum{words: render.KubeadmAPIs}
	c.Flags().StringVar(&o.into, "into", "", "with kubeadm-config: put it into this file of kubeadm's, or - for standard input, and print all of that")
	addEnum(c, &o.api, "kubeadm-api", "", "with kubeadm-config: API version to write (default: by the version of the kube-apiserver)")
	c.Flags().StringVar(&o.out, "out", "", "with kubeadm-patches: write the files to this folder, the policy among them; with kubeadm-config: write to this file")
}

// isKubeadm tells whether a format is one of these.
func isKubeadm(format string) bool { return format == "kubeadm-patches" || format == "kubeadm-config" }

// check refuses flags that do not go together, and reads the file of --into.
func (o *kubeadmFormats) check(format string, checking bool, from *inputs) error {
	var problems document.Problems
	misplaced := func(flag, value, wants string) {
		if value != "" {
			problems.Add(flag, "goes with --format "+wants+" only", "leave it out, or add --format "+wants)
		}
	}
	if format != "kubeadm-config" {
		misplaced("--into", o.into, "kubeadm-config")
		misplaced("--kubeadm-api", o.api.value, "kubeadm-config")
	}
	if !isKubeadm(format) {
		misplaced("--out", o.out, "kubeadm-patches or kubeadm-config")
	}
	if o.into != "" && o.api.value != "" && problems == nil {
		problems.Add("--kubeadm-api", "cannot be given together with --into: the file says which API version it has", "leave it out")
	}
	if checking && isKubeadm(format) && o.into == "" {
		problems.Add("--check", "with --format "+format+" there is nothing to compare with", "add --into FILE, with --format kubeadm-config")
	}
	if o.into == "" || problems != nil {
		return problems.Err()
	}
	var err error
	o.config, err = from.read("--into", o.into)
	return err
}

// intoName is what the file of --into is called in messages.
func (o *kubeadmFormats) intoName() string {
	if o.into == "-" {
		return stdinName
	}
	return o.into
}

// manifestOptional tells whether patch can do without a manifest: there is none
// in the usual place, none was asked for, and something else says the version.
func (o *patchOptions) manifestOptional(flags *pflag.FlagSet, in *setup.Input) bool {
	if !isKubeadm(o.format.value) || flags.Changed("manifest") {
		return false
	}
	if _, err := os.Lstat(o.manifest); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if in.Spec.KubeVersion == "" && len(o.kubeadm.config) > 0 {
		if _, v := render.KubeadmVersions(o.kubeadm.config); v != "" {
			in.Spec.KubeVersion = v
			in.Origins["kubeVersion"] = document.Problem{File: o.kubeadm.intoName()}
		}
	}
	return in.Spec.KubeVersion != ""
}

// printKubeadm prints or writes what kubeadm reads. m may be nil.
func (o *patchOptions) printKubeadm(d *setup.Desired, m *manifest.Manifest) error {
	k, err := render.NewKubeadm(m, d)
	if err != nil {
		return err
	}
	if o.format.value == "kubeadm-patches" {
		if err := o.refuseDoubles(m); err != nil {
			return err
		}
		return o.patches(k)
	}
	return o.config(k)
}

// refuseDoubles refuses to make patches where kubeadm most likely sets audit
// flags already: a patch can add to a command line, and take nothing out of it.
func (o *patchOptions) refuseDoubles(m *manifest.Manifest) error {
	if m == nil || o.spec.TakeOver {
		return nil
	}
	var problems document.Problems
	for _, s := range m.AuditSettings() {
		if !s.Ours {
			problems = append(problems, document.Problem{File: o.name(), Line: s.Line, What: "--" + s.Name + "=" + s.Value + " is set already, and would be there twice if kubeadm's configuration or another patch says so",
				Hint: "see --format kubeadm-config, which replaces it; or add --take-over if it was put into the manifest by hand"})
		}
	}
	return problems.Err()
}

// config prints or writes a ClusterConfiguration.
func (o *patchOptions) config(k *render.Kubeadm) error {
	var text []byte
	if o.kubeadm.into == "" {
		api := o.kubeadm.api.value
		if api == "" {
			api = render.KubeadmAPI(k.Version)
		}
		o.warnOfAPI(k, "--kubeadm-api", api, "leave it out")
		text = k.Config(api)
	} else {
		name := o.kubeadm.intoName()
		spliced, notes, err := k.Into(name, o.kubeadm.config)
		if err != nil {
			return err
		}
		if o.check {
			return o.checkedConfig(notes, !bytes.Equal(spliced, o.kubeadm.config))
		}
		say(o.io.Err, "note", notes)
		api, _ := render.KubeadmVersions(o.kubeadm.config)
		o.warnOfAPI(k, name, api, "see kubeadm config migrate")
		if o.kubeadm.into == "-" {
			name = "this file"
		}
		text = k.Headed(name, spliced)
	}
	if o.kubeadm.out == "" {
		_, err := o.io.Out.Write(text)
		return err
	}
	return o.kubeadm.replace(o.kubeadm.out, text)
}

// warnOfAPI warns when the kubeadm that goes with the kube-apiserver does not
// read an API version.
func (o *patchOptions) warnOfAPI(k *render.Kubeadm, where, api, hint string) {
	if !render.ReadsKubeadmAPI(k.Version, api) {
		say(o.io.Err, "warning", document.Problems{{File: where, What: fmt.Sprintf("kubeadm %s does not read %s", k.Version, api), Hint: hint}})
	}
}

func (o *patchOptions) checkedConfig(notes document.Problems, changes bool) error {
	if !changes {
		return nil
	}
	say(o.io.Err, "pending", notes)
	if len(notes) == 0 {
		fmt.Fprintf(o.io.Err, "auditsetup: pending: %s: audit arguments or volumes would be added or taken out\n", o.kubeadm.intoName())
	}
	return pendingError{}
}

// replace writes a file that is not there yet, or the very one that --into
// named.
func (o *kubeadmFormats) replace(name string, text []byte) error {
	mode := fs.FileMode(0o600) // a configuration may hold tokens
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		target = name
	}
	if info, err := os.Stat(target); err == nil {
		into, statErr := os.Stat(o.into)
		if statErr != nil || !os.SameFile(info, into) {
			return document.Problem{File: name, What: "is there already", Hint: "choose another name for --out, or remove it"}
		}
		mode = info.Mode().Perm()
	}
	return writeWhole(target, text, mode)
}

// writeWhole writes a file so that it is there whole or as before.
func writeWhole(name string, text []byte, mode fs.FileMode) error {
	problem := func(err error) error {
		return document.Problem{File: name, What: "cannot be written: " + cause(err), Hint: "check the path given with --out"}
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".auditsetup-*")
	if err != nil {
		return problem(err)
	}
	_, err = file.Write(text)
	err = errors.Join(err, file.Chmod(mode), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return problem(err)
	}
	return nil
}

// patches prints the patches, or writes them to a folder.
func (o *patchOptions) patches(k *render.Kubeadm) error {
	files, err := k.Patches(o.kubeadm.out != "")
	if err != nil {
		return err
	}
	if o.kubeadm.out == "" {
		for i, f := range files {
			if i > 0 {
				fmt.Fprintln(o.io.Out, "---")
			}
			fmt.Fprintf(o.io.Out, "# %s\n#\n%s", f.Name, f.Text)
		}
		return nil
	}
	notes, err := freeForPatches(o.kubeadm.out, files)
	if err != nil {
		return err
	}
	say(o.io.Err, "note", notes)
	return writePatches(o.kubeadm.out, files, k)
}

func writePatches(dir string, files []render.NamedFile, k *render.Kubeadm) error {
	inner := filepath.Join(dir, render.FilesFolder)
	if err := os.MkdirAll(inner, 0o700); err != nil {
		return document.Problem{File: inner, What: "cannot be made: " + cause(err), Hint: "check the path given with --out"}
	}
	for i, f := range k.Files {
		if err := writeWhole(filepath.Join(inner, k.FileName(i)), f.Content, f.Mode); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := writeWhole(filepath.Join(dir, f.Name), f.Text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// freeForPatches looks at everything in the folder that kubeadm would apply
// beside ours, which is the files of folders in it too. What does no harm is
// noted.
func freeForPatches(dir string, files []render.NamedFile) (notes document.Problems, err error) {
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, document.Problem{File: dir, What: "cannot be opened: " + cause(err), Hint: "check the path given with --out"}
	case !info.IsDir():
		return nil, document.Problem{File: dir, What: "is not a folder, or a link to one, which kubeadm does not take", Hint: "choose another folder with --out"}
	}
	var problems document.Problems
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !render.PatchesKubeAPIServer(entry.Name()) {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		named := slices.ContainsFunc(files, func(f render.NamedFile) bool { return filepath.Join(dir, f.Name) == path })
		switch clash := render.PatchClash(path, entry.Name(), data); {
		case named && render.IsOurPatch(data):
		case named:
			problems.Add(path, "is there already, and not as auditsetup wrote it", "choose another folder with --out, or remove it")
		case len(clash) > 0:
			problems = append(problems, clash...)
		default:
			notes.Add(path, "kubeadm applies this patch too", "")
		}
		return nil
	})
	if err != nil {
		problems.Add(dir, "cannot be read: "+cause(err), "check the path given with --out")
	}
	return notes, problems.Err()
}
