// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/render"
	"github.com/auditsetup/auditsetup/setup"
)

// savedSpec is the spec file that --save asks for; nil when it does not.
type savedSpec struct {
	path string
	text []byte
}

// newSave prepares the spec file. It refuses to replace one, before anything is
// changed.
func (o *enableOptions) newSave(spec setup.Spec) (*savedSpec, error) {
	if o.save == "" {
		return nil, nil
	}
	for _, f := range []struct{ what, name string }{{"policy", spec.Policy.File}, {"kubeconfig", spec.Webhook.ConfigFile}} {
		if f.name == stdinName {
			return nil, document.Problem{File: "--save", What: "a " + f.what + " from standard input cannot be named in a spec file", Hint: "give the " + f.what + " as a file"}
		}
	}
	if _, err := os.Lstat(o.save); err == nil {
		return nil, alreadyThere(o.save)
	}
	if _, err := os.Stat(filepath.Dir(o.save)); err != nil {
		return nil, document.Problem{File: o.save, What: "cannot be written: " + cause(err), Hint: "check the path given with --save"}
	}
	for _, file := range []*string{&spec.Policy.File, &spec.Webhook.ConfigFile} {
		if *file == "" {
			continue
		}
		abs, err := filepath.Abs(*file)
		if err != nil {
			return nil, err
		}
		*file = abs // a spec file may be read from anywhere
	}
	text, err := spec.Encode()
	return &savedSpec{o.save, text}, err
}

func alreadyThere(name string) error {
	return document.Problem{File: name, What: "is there already", Hint: "choose another name for --save, or remove it"}
}

// show prints the file as a diff.
func (s *savedSpec) show(w io.Writer) {
	if s != nil {
		_, _ = w.Write(render.Diff(s.path, nil, s.text))
	}
}

func (s *savedSpec) write() error {
	if s == nil {
		return nil
	}
	file, err := os.OpenFile(s.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return alreadyThere(s.path)
	}
	if err == nil {
		_, err = file.Write(s.text)
		if err = errors.Join(err, file.Close()); err != nil {
			s.undo()
		}
	}
	if err != nil {
		return document.Problem{File: s.path, What: "cannot be written: " + cause(err), Hint: "check the path given with --save"}
	}
	return nil
}

// undo takes the file away after a change that failed.
func (s *savedSpec) undo() {
	if s != nil {
		_ = os.Remove(s.path)
	}
}
