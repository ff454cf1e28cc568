// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/auditsetup/auditsetup/document"
)

// maxInput bounds what is read of a file that the user names, as the kubelet
// bounds a manifest (kubernetes pkg/kubelet/config/common.go).
const maxInput = 10 << 20

// stdinName is what standard input is called in messages.
const stdinName = "standard input"

// inputs reads what the user names. Standard input can be read once only.
type inputs struct {
	stdin io.Reader
	taken string // the flag that took standard input
}

// read gives the content of a file that the user named in a flag, or of
// standard input for "-". Pipes will do, as a shell makes them for <(command).
func (in *inputs) read(flag, name string) ([]byte, error) {
	hint := "check the path given with " + flag
	if name == "-" {
		if err := in.take(flag); err != nil {
			return nil, err
		}
		return readAll(in.stdin, stdinName, "check what is sent to "+flag)
	}
	file, err := os.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, document.Problem{File: name, What: "no such file", Hint: hint}
	case errors.Is(err, fs.ErrPermission):
		return nil, document.Problem{File: name, What: "cannot be read: permission denied", Hint: "run as root, or " + hint}
	case err != nil:
		return nil, document.Problem{File: name, What: "cannot be read: " + cause(err), Hint: hint}
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, document.Problem{File: name, What: "is a folder, not a file", Hint: hint}
	}
	return readAll(file, name, hint)
}

// take is for the one flag that may read standard input.
func (in *inputs) take(flag string) error {
	if in.taken != "" {
		return document.Problem{File: flag, What: "standard input is taken by " + in.taken + " already", Hint: "give one of the two as a file"}
	}
	in.taken = flag
	return nil
}

func readAll(r io.Reader, name, hint string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return nil, document.Problem{File: name, What: "cannot be read: " + cause(err), Hint: hint}
	}
	if len(data) > maxInput {
		return nil, document.Problem{File: name, What: fmt.Sprintf("is larger than the %d MiB that are read", maxInput>>20), Hint: hint}
	}
	return data, nil
}

// cause is the reason of a failed system call, without the call and the path.
func cause(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
