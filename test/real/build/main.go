// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Command build builds, once, every program that the tests of this module run:
// etcd, and kube-apiserver and kubeadm of several releases. `go test` does the
// same on demand, but ten minutes, its usual limit, is too short for that.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/auditsetup/auditsetup/test/real/release"
)

func main() { os.Exit(run(os.Stderr)) }

// run returns the exit code: 0 when everything is in the cache.
func run(stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cache, err := release.Default()
	if err == nil {
		err = cache.All(ctx)
	}
	if err != nil {
		fmt.Fprintf(stderr, "build: error: %v\n", err)
		return 1
	}
	return 0
}
