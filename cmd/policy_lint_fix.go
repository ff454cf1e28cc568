// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy/lint"
	"github.com/auditsetup/auditsetup/render"
)

var errChangedMeanwhile = errors.New("it is no ordinary file, or was changed meanwhile")

// mend fixes a policy in its file, or shows what would change, and returns it as
// it is then. A diff goes to where the findings go, unless those are for a
// program.
func (o *lintOptions) mend(shown, name string, data []byte) ([]byte, error) {
	fixed, done := lint.Fix(shown, data)
	if bytes.Equal(fixed, data) {
		return data, nil
	}
	if o.dryRun {
		to := o.io.Out
		if o.output.value != "text" {
			to = o.io.Err
		}
		_, err := to.Write(render.Diff(shown, data, fixed))
		return data, err
	}
	if err := replace(name, data, fixed); err != nil {
		return nil, document.Problem{File: name, What: "cannot be written: " + cause(err), Hint: "nothing was changed in it"}
	}
	for _, f := range done {
		say(o.io.Err, "fixed", document.Problems{f.Problem})
	}
	return fixed, nil
}

// replace puts new content in place of a file at once, so that a reader sees the
// one or the other. Mode and owner stay, and a link stays a link.
func replace(name string, old, content []byte) (err error) {
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	if now, err := os.ReadFile(target); err != nil || !bytes.Equal(now, old) || !info.Mode().IsRegular() {
		return errChangedMeanwhile
	}
	temp, err := os.CreateTemp(filepath.Dir(target), ".auditsetup-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name())
		}
	}()
	_, err = temp.Write(content)
	for _, step := range []func() error{
		func() error { return keepOwner(temp, info) },
		func() error { return temp.Chmod(info.Mode().Perm()) },
		temp.Sync,
	} {
		if err == nil {
			err = step()
		}
	}
	if closed := temp.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temp.Name(), target)
	}
	return err
}
