// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/auditsetup/auditsetup/test/real/release"
)

// ProgramVariable names the environment variable with the absolute path of an
// auditsetup to test. Empty means that it is built from the tree.
const ProgramVariable = "AUDITSETUP_E2E_PROGRAM"

// Programs are the programs that a node needs, as absolute paths.
type Programs struct {
	Kubelet, Kubeadm, APIServer, Etcd string
	// Debian is the folder with Debian's containerd and runc, unpacked.
	Debian string
	// Pause is what a sandbox runs.
	Pause string
	// Auditsetup is the tool.
	Auditsetup string
}

// prepare finds, fetches or builds all programs. It needs the network on a
// first run. The tool and pause are built anew each time, into dir.
func prepare(ctx context.Context, cache release.Cache, version, dir string, p progress) (Programs, error) {
	p.say("looking for kubelet, kubeadm, kube-apiserver, etcd, containerd")
	var got Programs
	bins, err := cache.Kubernetes(ctx, version)
	if err != nil {
		return got, err
	}
	got.Kubeadm, got.APIServer = bins.Kubeadm, bins.APIServer
	if got.Kubelet, err = cache.Kubelet(ctx, version); err != nil {
		return got, err
	}
	if got.Etcd, err = cache.Etcd(ctx); err != nil {
		return got, err
	}
	if got.Debian, err = cache.Debian(ctx, "containerd", "runc"); err != nil {
		return got, err
	}
	p.say("building auditsetup and pause")
	got.Pause, got.Auditsetup = filepath.Join(insideDir, "bin", "pause"), filepath.Join(insideDir, "bin", "auditsetup")
	if err := build(ctx, ".", "./pause", filepath.Join(dir, "bin", "pause")); err != nil {
		return got, err
	}
	if program := os.Getenv(ProgramVariable); program != "" {
		got.Auditsetup = program
		return got, nil
	}
	return got, build(ctx, filepath.Join("..", ".."), "./cmd/auditsetup", filepath.Join(dir, "bin", "auditsetup"))
}

// build makes a static program of the package pkg of the module in the folder
// module, which is relative to this package: that is where go test runs.
func build(ctx context.Context, module, pkg, program string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, pkg)
	cmd.Dir, cmd.Env = module, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	return nil
}
