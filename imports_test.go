// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package auditsetup_test holds the project as a whole to its own rules.
package auditsetup_test

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/auditsetup/auditsetup/"

// allowed says which of the project's own packages each may import. Imports
// point one way, and a package that is not here does not belong.
var allowed = map[string][]string{
	"cmd/auditsetup": {"cmd"},
	"cmd":            {"doctor", "persist", "doctor/gather", "rollout", "preflight", "proof", "restart", "podlog", "live", "node", "render", "report", "simulate", "setup", "manifest", "profiles", "tuning", "webhook", "policy", "policy/kinds", "policy/lint", "policy/explain", "apiserver", "templates", "auditlog", "cluster", "measure", "measure/scrape", "document"},
	"doctor":         {"setup", "manifest", "profiles", "tuning", "webhook", "policy", "apiserver", "templates", "document"},
	"doctor/gather":  {"doctor", "restart", "live", "node", "setup", "manifest", "webhook", "policy", "apiserver", "document"},
	"node":           {"setup", "manifest", "profiles", "tuning", "webhook", "policy", "apiserver", "templates", "document"},
	"rollout":        {"preflight", "proof", "restart", "live", "node", "manifest", "document"},
	"preflight":      {"restart", "live", "manifest", "tuning", "apiserver", "document"},
	"proof":          {"live", "manifest", "policy", "apiserver", "document"},
	"restart":        {"podlog", "live", "manifest", "document"},
	"podlog":         nil,
	"live":           {"manifest", "document"},
	"persist":        {"render", "node", "manifest", "document"},
	"render":         {"setup", "manifest", "profiles", "tuning", "webhook", "policy", "apiserver", "templates", "document"},
	"report":         {"setup", "tuning", "profiles", "templates", "document"},
	"simulate":       {"setup", "manifest", "profiles", "tuning", "webhook", "policy", "apiserver", "templates", "auditlog", "document"},
	"setup":          {"manifest", "profiles", "mix", "tuning", "webhook", "policy", "apiserver", "document"},
	"manifest":       {"apiserver", "document"},
	"mix":            {"policy", "apiserver", "document"},
	"profiles":       {"policy", "apiserver", "templates", "document"},
	"tuning":         {"tuning/model", "document"},
	"tuning/model":   nil,
	"auditlog":       {"document"},
	"measure":        {"auditlog", "document"},
	"measure/scrape": {"cluster", "measure", "live", "document"},
	"cluster":        {"live", "apiserver", "document"},
	"webhook":        {"templates", "document"},
	"policy":         {"policy/kinds", "apiserver", "document"},
	"policy/kinds":   {"apiserver"},
	"policy/lint":    {"policy", "policy/kinds", "apiserver", "document"},
	"policy/explain": {"policy", "apiserver", "document"},
	"apiserver":      {"document"},
	"templates":      nil,
	"document":       nil,
}

// onlyIn are packages of others that may be imported in one place.
var onlyIn = map[string]string{
	"github.com/spf13/cobra":        "cmd",
	"github.com/spf13/pflag":        "cmd",
	"github.com/AlecAivazis/survey": "cmd",
	"k8s.io/kubectl":                "cmd",
}

// streams are the names of package os that belong to the edge of the program.
var streams = []string{"Stdin", "Stdout", "Stderr", "Exit", "Args"}

// packages finds every package of this module, but for those of the nested
// modules and the testdata folders, with the files that are not tests.
func packages(t *testing.T) map[string]*build.Package {
	t.Helper()
	found := map[string]*build.Package{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		name := entry.Name()
		if path != "." && (strings.HasPrefix(name, ".") || name == "testdata") {
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && path != "." {
			return filepath.SkipDir
		}
		p, err := build.Default.ImportDir(path, 0)
		if err == nil && len(p.GoFiles) > 0 {
			found[filepath.ToSlash(path)] = p
		}
		return nil
	})
	if err != nil || len(found) < 10 {
		t.Fatalf("%d packages: %v", len(found), err)
	}
	return found
}

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	for path, p := range packages(t) {
		may, known := allowed[path]
		if !known && !strings.HasPrefix(path, "test/") {
			t.Errorf("package %s has no place in the table of imports", path)
		}
		for _, imported := range p.Imports {
			if own, ok := strings.CutPrefix(imported, module); ok && !slices.Contains(may, own) && known {
				t.Errorf("%s imports %s", path, own)
			}
			for other, only := range onlyIn {
				if (imported == other || strings.HasPrefix(imported, other+"/")) && path != only {
					t.Errorf("%s imports %s, which only %s may", path, imported, only)
				}
			}
		}
	}
}

// TestStreamsAtTheEdge keeps what a process has only one of out of the packages
// that are to be tested and used more than once in a process.
func TestStreamsAtTheEdge(t *testing.T) {
	t.Parallel()
	for path, p := range packages(t) {
		for _, file := range p.GoFiles {
			name := filepath.Join(path, file)
			parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				pkg, ok := sel.X.(*ast.Ident)
				if !ok || pkg.Name != "os" || !slices.Contains(streams, sel.Sel.Name) {
					return true
				}
				isMain := p.Name == "main"
				atEdge := path == "cmd" && sel.Sel.Name != "Exit" && sel.Sel.Name != "Args"
				if !isMain && !atEdge {
					t.Errorf("%s uses os.%s", name, sel.Sel.Name)
				}
				return true
			})
		}
	}
}
