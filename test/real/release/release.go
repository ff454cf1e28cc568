// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package release provides the programs of Kubernetes releases, built from
// their published source: no image registry and no download site is asked, only
// the Go module proxy. Each program is built once and kept in a cache outside
// the source tree, in a folder named after its version; a folder appears there
// in one rename, so whatever is found in it is complete. Several processes may
// ask for the same version at once: one builds, the others wait for it. A change
// to how they are built needs the cache removed by hand.
package release

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// EtcdVersion is the etcd that serves every API server of these tests.
const EtcdVersion = "v3.6.5"

// Versions returns the Kubernetes releases that the tests run against, newest
// first. All of their parts are on the module proxy, which is not true of every
// patch release.
func Versions() []string {
	return []string{"v1.37.1", "v1.34.4", "v1.30.14", "v1.24.17"}
}

// Cache is the folder that holds the programs. The zero value is of no use; see
// [Default].
type Cache struct {
	// Dir is an absolute path; it is made when first needed.
	Dir string
	// Progress gets a line when something has to be built and when it is done;
	// nothing when all is there. It must not be nil.
	Progress io.Writer
}

// Binaries are the programs of one release, as absolute paths.
type Binaries struct {
	Version   string
	APIServer string
	Kubeadm   string
}

// Default is the cache in $AUDITSETUP_CACHE, or else in the user's cache
// folder, with its progress on standard error. It fails when neither is known.
func Default() (Cache, error) {
	dir := os.Getenv("AUDITSETUP_CACHE")
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return Cache{}, fmt.Errorf("no cache folder, set AUDITSETUP_CACHE: %w", err)
		}
		dir = filepath.Join(user, "auditsetup")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Cache{}, err
	}
	return Cache{Dir: filepath.Join(dir, "bin"), Progress: os.Stderr}, nil
}

// Kubernetes returns the programs of a release such as "v1.37.1", and builds
// them first if need be: 3 to 5 minutes on two cores.
func (c Cache) Kubernetes(ctx context.Context, version string) (Binaries, error) {
	dir, err := c.ensure(ctx, "kubernetes-"+version, "kube-apiserver and kubeadm "+version+" (once, ~4 min)",
		func(work, out string) error {
			return buildKubernetes(ctx, version, work, out, "kube-apiserver", "kubeadm")
		})
	return Binaries{
		Version:   version,
		APIServer: filepath.Join(dir, "kube-apiserver"),
		Kubeadm:   filepath.Join(dir, "kubeadm"),
	}, err
}

// Kubelet returns the path of a release's kubelet, and builds it first if need
// be: 2 to 4 minutes. It is apart from the others because few tests run a node.
func (c Cache) Kubelet(ctx context.Context, version string) (string, error) {
	dir, err := c.ensure(ctx, "kubelet-"+version, "kubelet "+version+" (once, ~3 min)",
		func(work, out string) error { return buildKubernetes(ctx, version, work, out, "kubelet") })
	return filepath.Join(dir, "kubelet"), err
}

// Etcd returns the path of etcd, and builds it first if need be: half a minute.
func (c Cache) Etcd(ctx context.Context) (string, error) {
	dir, err := c.ensure(ctx, "etcd-"+EtcdVersion, "etcd "+EtcdVersion+" (once, ~30 s)",
		func(work, out string) error { return buildEtcd(ctx, work, out) })
	return filepath.Join(dir, "etcd"), err
}

// All builds whatever is missing, one thing after the other, since each build
// uses every core by itself.
func (c Cache) All(ctx context.Context) error {
	if _, err := c.Etcd(ctx); err != nil {
		return err
	}
	for _, version := range Versions() {
		if _, err := c.Kubernetes(ctx, version); err != nil {
			return err
		}
	}
	return nil
}

// ensure returns the folder of that name, calling build to fill it if it is not
// there. What a killed run left behind is removed by the next one that builds.
func (c Cache) ensure(ctx context.Context, name, what string, build func(work, out string) error) (string, error) {
	final := filepath.Join(c.Dir, name)
	if isDir(final) {
		return final, nil
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(ctx, filepath.Join(c.Dir, "."+name+".lock"), func() {
		fmt.Fprintf(c.Progress, "waiting for another run to build %s\n", name)
	})
	if err != nil {
		return "", err
	}
	defer unlock()
	if isDir(final) {
		return final, nil
	}
	return final, c.buildInto(final, what, build)
}

// buildInto runs build with two empty folders, one to work in and one for the
// programs, and moves the latter to its final name. The caller holds the lock,
// so folders of earlier runs are nobody's. They are not used again, because a
// compiler that outlived its run may still write there; one that cannot be
// removed for that reason is left to the next build.
func (c Cache) buildInto(final, what string, build func(work, out string) error) error {
	prefix := "." + filepath.Base(final) + ".building-"
	left, err := fs.Glob(os.DirFS(c.Dir), prefix+"*")
	if err != nil {
		return err
	}
	for _, dir := range left {
		_ = os.RemoveAll(filepath.Join(c.Dir, dir))
	}
	temp, err := os.MkdirTemp(c.Dir, prefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	work, out := filepath.Join(temp, "module"), filepath.Join(temp, "bin")
	for _, dir := range []string{work, out} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	start := time.Now()
	fmt.Fprintf(c.Progress, "building %s\n", what)
	if err := build(work, out); err != nil {
		return fmt.Errorf("building %s: %w", filepath.Base(final), err)
	}
	if err := os.Rename(out, final); err != nil {
		return err
	}
	fmt.Fprintf(c.Progress, "built %s in %s\n", filepath.Base(final), time.Since(start).Round(time.Second))
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
