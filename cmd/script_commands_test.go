// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// imageManifest is where a machine's image has its manifest.
const imageManifest = "etc/kubernetes/manifests/kube-apiserver.yaml"

// scriptCommands are, beside exits and those of script_certs_test.go:
//
//	machine DIR VERSION     makes the image of a control plane of that kubeadm
//	untouched DIR           demands that DIR is as machine, edit and the like left
//	                        it when `remember DIR` was last called
//	remember DIR            see there; machine does it too
//	edit FILE OLD NEW       replaces a text in a file, where it must stand once
//	sparse FILE BYTES       makes a file of that size that takes no room
func scriptCommands(testdata string) map[string]func(*testscript.TestScript, bool, []string) {
	remembered := func(ts *testscript.TestScript, dir string) string { return ts.MkAbs(dir) + ".remembered" }
	return map[string]func(*testscript.TestScript, bool, []string){
		"exits":       exits,
		"credentials": credentials,
		"fill":        fill,
		"machine": func(ts *testscript.TestScript, neg bool, args []string) {
			need(ts, !neg && len(args) == 2, "machine DIR VERSION")
			data, err := os.ReadFile(filepath.Join(testdata, "kubeadm", args[1], "kube-apiserver.yaml"))
			ts.Check(err)
			path := filepath.Join(ts.MkAbs(args[0]), imageManifest)
			ts.Check(os.RemoveAll(ts.MkAbs(args[0])))
			ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
			ts.Check(os.WriteFile(path, data, 0o600))
			ts.Check(os.WriteFile(remembered(ts, args[0]), []byte(snapshot(ts, args[0])), 0o600))
		},
		"remember": func(ts *testscript.TestScript, neg bool, args []string) {
			need(ts, !neg && len(args) == 1, "remember DIR")
			ts.Check(os.WriteFile(remembered(ts, args[0]), []byte(snapshot(ts, args[0])), 0o600))
		},
		"untouched": func(ts *testscript.TestScript, neg bool, args []string) {
			need(ts, !neg && len(args) == 1, "untouched DIR")
			want, err := os.ReadFile(remembered(ts, args[0]))
			ts.Check(err)
			if got := snapshot(ts, args[0]); got != string(want) {
				ts.Fatalf("%s was changed:\n%s\nbefore:\n%s", args[0], got, want)
			}
		},
		"edit": func(ts *testscript.TestScript, neg bool, args []string) {
			need(ts, !neg && len(args) == 3, "edit FILE OLD NEW")
			old, with := unescape(ts, args[1]), unescape(ts, args[2])
			text := ts.ReadFile(args[0])
			need(ts, strings.Count(text, old) == 1, "edit: the old text must stand in the file once")
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, old, with, 1)), 0o600))
		},
		"sparse": func(ts *testscript.TestScript, neg bool, args []string) {
			need(ts, !neg && len(args) == 2, "sparse FILE BYTES")
			size, err := strconv.ParseInt(args[1], 10, 64)
			ts.Check(err)
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), nil, 0o600))
			ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
		},
	}
}

func need(ts *testscript.TestScript, ok bool, usage string) {
	if !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

// unescape turns \n and \t in an argument into what they stand for.
func unescape(ts *testscript.TestScript, s string) string {
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(s, `"`, `\"`) + `"`)
	ts.Check(err)
	return text
}

// snapshot lists every file, folder and link below dir with its mode and
// content, files of more than 1 MiB with their size only.
func snapshot(ts *testscript.TestScript, dir string) string {
	var lines []string
	root := ts.MkAbs(dir)
	ts.Check(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		line := info.Mode().String() + " " + strings.TrimPrefix(path, root)
		if info.Mode().IsRegular() {
			line += " " + strconv.FormatInt(info.Size(), 10)
			if info.Size() <= 1<<20 {
				data, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				line += " " + strconv.Quote(string(data))
			}
		}
		lines = append(lines, line)
		return nil
	}))
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
