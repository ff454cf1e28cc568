// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// releases are the newest patch of each minor whose module the proxy gives out
// and the checksum database knows, oldest first. Of 1.38 there is none yet.
var releases = []string{
	"v1.18.20", "v1.19.16", "v1.20.15", "v1.21.14", "v1.22.17", "v1.23.17", "v1.24.17", "v1.25.16", "v1.26.15", "v1.27.16",
	"v1.28.15", "v1.29.15", "v1.30.14", "v1.31.14", "v1.32.13", "v1.33.13", "v1.34.10", "v1.35.8", "v1.36.4", "v1.37.1",
}

// wanted are the files of a release that are read, as patterns. The code says
// what is off by default, since the data was taken from servers with all on.
var wanted = []string{
	"api/openapi-spec/swagger.json",
	"api/discovery/aggregated_v2*.json",
	"api/discovery/api__v1.json",
	"pkg/master/master.go",
	"pkg/controlplane/instance.go",
	"pkg/features/kube_features.go",
	"pkg/registry/*/rest/storage_*.go",
}

// fetch returns the folder with the wanted files of a release, and fills it
// first if it is not there. The go command checks the zip against the checksum
// database; it goes, as soon as the files are out of it.
func fetch(ctx context.Context, cache, version string) (string, error) {
	final := filepath.Join(cache, version)
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(cache, ".fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	fmt.Fprintln(os.Stderr, "fetching", version)
	source, err := download(ctx, filepath.Join(work, "modules"), version)
	if err != nil {
		return "", err
	}
	kept := filepath.Join(work, "kept")
	for _, pattern := range wanted {
		found, err := filepath.Glob(filepath.Join(source, pattern))
		if err != nil {
			return "", err
		}
		for _, from := range found {
			to := filepath.Join(kept, strings.TrimPrefix(from, source))
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return "", err
			}
			if err := os.Rename(from, to); err != nil {
				return "", err
			}
		}
	}
	return final, os.Rename(kept, final)
}

// download has the go command unpack the module zip of a release below a
// module cache of its own, writable so that it can be removed.
func download(ctx context.Context, modules, version string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", "k8s.io/kubernetes@"+version)
	cmd.Dir = filepath.Dir(modules)
	cmd.Env = append(os.Environ(), "GOMODCACHE="+modules, "GOFLAGS=-modcacherw", "GOWORK=off")
	out, runErr := cmd.Output()
	var got struct{ Dir, Error string }
	if err := json.Unmarshal(out, &got); err != nil || got.Error != "" || got.Dir == "" {
		return "", fmt.Errorf("%s: %s %w", version, got.Error, runErr)
	}
	return got.Dir, nil
}
