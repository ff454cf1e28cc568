// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Command resources writes apiserver/resources.txt: what a kube-apiserver of
// each minor serves, from upstream's own data. `go run .` in this folder, by
// hand, when a minor is added: its release goes into the list in fetch.go. The
// modules come from the Go module proxy, and what is read of them is kept below
// ~/.cache/auditsetup/upstream.
//
// The source is api/openapi-spec/swagger.json of k8s.io/kubernetes, the only
// one that all minors have: upstream takes it from a running server with every
// API and every alpha feature on. From 1.28 there is api/discovery as well,
// from the same server; both have to agree, and it adds the short names. What is
// on by default is in neither: that is read from the code.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, filepath.Join("..", "..", "apiserver", "resources.txt")); err != nil {
		fmt.Fprintln(os.Stderr, "resources: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) error {
	home, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	cache := filepath.Join(home, "auditsetup", "upstream")
	all := table{names: map[key][]string{}, kinds: map[key]string{}}
	for _, release := range releases {
		dir, err := fetch(ctx, cache, release)
		if err != nil {
			return err
		}
		if err := all.add(dir, minorOf(release)); err != nil {
			return fmt.Errorf("%s: %w", release, err)
		}
	}
	text, err := all.text()
	if err != nil {
		return err
	}
	return os.WriteFile(out, text, 0o644)
}

// minorOf gives 37 for v1.37.1.
func minorOf(release string) int {
	n, _ := strconv.Atoi(strings.Split(release, ".")[1])
	return n
}
