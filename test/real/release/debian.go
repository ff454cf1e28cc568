// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Debian fetches packages of the distribution that this machine runs, and
// returns the folder that they are unpacked in. They are not installed:
// installing containerd would start it, and would remove another vendor's.
// Their dependencies are left to the machine. It fails where there is no apt-get.
func (c Cache) Debian(ctx context.Context, packages ...string) (string, error) {
	release, err := codename()
	if err != nil {
		return "", err
	}
	name := strings.Join(append([]string{"debian", release}, packages...), "-")
	return c.ensure(ctx, name, "Debian's "+strings.Join(packages, ", ")+" (fetched, not installed)",
		func(work, out string) error { return unpackPackages(ctx, work, out, packages) })
}

// unpackPackages downloads packages into work and unpacks them into out. The
// lists of packages are fetched only when the download fails without.
func unpackPackages(ctx context.Context, work, out string, packages []string) error {
	download := append([]string{"-q", "-o", "APT::Sandbox::User=root", "download"}, packages...)
	if err := run(ctx, work, "apt-get", download...); err != nil {
		if updateErr := run(ctx, work, "apt-get", "-q", "update"); updateErr != nil {
			return errors.Join(err, updateErr)
		}
		if err := run(ctx, work, "apt-get", download...); err != nil {
			return err
		}
	}
	files, err := filepath.Glob(filepath.Join(work, "*.deb"))
	if err != nil {
		return err
	}
	if len(files) != len(packages) {
		return fmt.Errorf("apt-get download %s brought %d files", strings.Join(packages, " "), len(files))
	}
	for _, file := range files {
		if err := run(ctx, work, "dpkg-deb", "-x", file, out); err != nil {
			return err
		}
	}
	return nil
}

// codename is the word by which the distribution calls its release, or its
// number if it has no word.
func codename() (string, error) {
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	fields := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		fields[key] = strings.Trim(value, `"'`)
	}
	for _, key := range []string{"VERSION_CODENAME", "VERSION_ID", "ID"} {
		if fields[key] != "" {
			return fields[key], nil
		}
	}
	return "", errors.New("/etc/os-release does not say what system this is")
}

// run runs a program in dir; an error has its last lines.
func run(ctx context.Context, dir, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, lastLines(string(out), 20))
	}
	return nil
}
