// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// sources are where a release says which versions are on; one of them is there.
var sources = []string{"pkg/controlplane/instance.go", "pkg/master/master.go"}

// alwaysOn are the groups of the two servers that kube-apiserver has inside. All
// of their versions are on (pkg/apiserver/apiserver.go of
// k8s.io/apiextensions-apiserver and of k8s.io/kube-aggregator).
var alwaysOn = []string{"apiextensions.k8s.io", "apiregistration.k8s.io"}

// gates are what is not there by default in versions that are, until the minor
// in which a feature gate comes on (pkg/registry/core/rest/storage_core.go and
// pkg/features/kube_features.go). serviceaccounts/token also wants an issuer,
// which kube-apiserver insists on since 1.20 only.
var gates = map[key]int{
	{"", "pods", "ephemeralcontainers"}: 23,
	{"", "pods", "resize"}:              33,
	{"", "serviceaccounts", "token"}:    20,
}

// defaults says what a release has on without being told.
type defaults struct {
	versions  map[groupVersion]bool
	resources map[groupVersion]map[string]bool
}

func (d defaults) on(minor int, gv groupVersion, k key) bool {
	for _, group := range alwaysOn {
		if gv.group == group {
			return true
		}
	}
	return minor >= gates[k] && (d.versions[gv] || d.resources[gv][k.resource])
}

// config reads the Go source in which a release says so.
type config struct {
	file    *ast.File
	groups  map[string]string // by the folder of a group below k8s.io/api
	imports map[string]string
	found   defaults
}

// readDefaults looks for what the functions with the default configuration enable.
func readDefaults(dir string, all surface) (defaults, error) {
	var file *ast.File
	for _, name := range sources {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Stat(path); err != nil {
			continue
		}
		var err error
		if file, err = parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution); err != nil {
			return defaults{}, err
		}
	}
	if file == nil {
		return defaults{}, fmt.Errorf("no source says what is on by default")
	}
	c := config{
		file: file, groups: map[string]string{"core": "", "extensions": "extensions", "apiserverinternal": "internal.apiserver.k8s.io"}, imports: map[string]string{},
		found: defaults{map[groupVersion]bool{}, map[groupVersion]map[string]bool{}},
	}
	for gv := range all {
		if folder, _, _ := strings.Cut(gv.group, "."); folder != "" && folder != "internal" {
			c.groups[folder] = gv.group
		}
	}
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		if i.Name != nil {
			c.imports[i.Name.Name] = path
		}
	}
	var err error
	ast.Inspect(file, func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncDecl); ok && strings.HasSuffix(f.Name.Name, "APIResourceConfigSource") && err == nil {
			err = c.function(f)
		}
		return true
	})
	if err == nil && len(c.found.versions) < 10 {
		err = fmt.Errorf("only %d versions are on by default", len(c.found.versions))
	}
	return c.found, err
}

// function takes what a function enables.
func (c *config) function(f *ast.FuncDecl) error {
	var err error
	ast.Inspect(f.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || err != nil {
			return err == nil
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || method.Sel.Name != "EnableVersions" && method.Sel.Name != "EnableResources" {
			return true
		}
		for _, arg := range call.Args {
			if list, ok := arg.(*ast.Ident); ok {
				err = c.each(c.literal(list.Name))
			} else {
				err = c.each([]ast.Expr{arg})
			}
			if err != nil {
				return false
			}
		}
		return false
	})
	return err
}

// literal is the elements of a variable of the file.
func (c *config) literal(name string) []ast.Expr {
	var elements []ast.Expr
	ast.Inspect(c.file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && v.Names[0].Name == name && len(v.Values) == 1 {
			if literal, ok := v.Values[0].(*ast.CompositeLit); ok {
				elements = literal.Elts
			}
		}
		return true
	})
	return elements
}

// each takes appsv1.SchemeGroupVersion, and the same with .WithResource("x").
func (c *config) each(list []ast.Expr) error {
	if len(list) == 0 {
		return fmt.Errorf("a list of versions is empty")
	}
	for _, e := range list {
		resource := ""
		if call, ok := e.(*ast.CallExpr); ok && len(call.Args) == 1 {
			if text, ok := call.Args[0].(*ast.BasicLit); ok {
				resource, _ = strconv.Unquote(text.Value)
			}
			e = call.Fun.(*ast.SelectorExpr).X
		}
		selector, ok := e.(*ast.SelectorExpr)
		if !ok || selector.Sel.Name != "SchemeGroupVersion" {
			return fmt.Errorf("%T is no version of a group", e)
		}
		path := c.imports[selector.X.(*ast.Ident).Name]
		// k8s.io/api/apps/v1, or in one minor k8s.io/kubernetes/pkg/apis/flowcontrol/v1beta1
		parts := strings.Split(path, "/")
		group, ok := c.groups[parts[max(0, len(parts)-2)]]
		if !ok {
			return fmt.Errorf("no group for %q", path)
		}
		gv := groupVersion{group, parts[len(parts)-1]}
		if resource == "" {
			c.found.versions[gv] = true
			continue
		}
		if c.found.resources[gv] == nil {
			c.found.resources[gv] = map[string]bool{}
		}
		c.found.resources[gv][resource] = true
	}
	return nil
}
