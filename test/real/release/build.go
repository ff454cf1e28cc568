// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// kubernetesModule is published with replacements that point into its own
// repository; module zips leave those folders out, because each is a module of
// its own, published as v0.<minor>.<patch>.
const kubernetesModule = "k8s.io/kubernetes"

// download is what `go mod download -json` prints of one module.
type download struct {
	Dir   string
	Error string
}

// SourceDir returns the folder with the source of a Kubernetes release such as
// "v1.37.1", below Go's module cache and read-only. It holds what the module
// zip holds: the scripts below cluster/ too, but not the modules below staging/.
func SourceDir(ctx context.Context, version string) (string, error) {
	out, err := goTool(ctx, os.TempDir(), nil, "mod", "download", "-json", kubernetesModule+"@"+version)
	var got download
	if jsonErr := json.Unmarshal(out, &got); jsonErr == nil && got.Error != "" {
		return "", fmt.Errorf("%s@%s: %s", kubernetesModule, version, got.Error)
	}
	if err != nil {
		return "", err
	}
	if got.Dir == "" {
		return "", fmt.Errorf("%s@%s: the go command named no folder", kubernetesModule, version)
	}
	return got.Dir, nil
}

// buildKubernetes builds programs of a release, by their names below cmd/, into
// the folder out, with a module that it writes into the folder work.
func buildKubernetes(ctx context.Context, version, work, out string, programs ...string) error {
	source, err := SourceDir(ctx, version)
	if err != nil {
		return err
	}
	unchecked, err := writeKubernetesModule(version, source, work)
	if err != nil {
		return err
	}
	flags, err := versionFlags(version)
	if err != nil {
		return err
	}
	env := []string{
		// Several staging tags never reached the checksum database. All that is
		// not staging is checked: by the release's own go.sum, which the module
		// starts from, and by the database.
		"GONOSUMDB=" + strings.Join(unchecked, ","),
	}
	args := []string{"build", "-trimpath", "-ldflags", "-s -w " + flags, "-o", out + string(filepath.Separator)}
	for _, program := range programs {
		args = append(args, kubernetesModule+"/cmd/"+program)
	}
	_, err = goTool(ctx, work, env, args...)
	return err
}

// stagingLine matches a replacement by a folder of the repository, at the end
// of a line of go.mod.
var stagingLine = regexp.MustCompile(`(?m)=> \./staging/src/(\S+)$`)

// moduleLine matches the line of go.mod that names the module.
var moduleLine = regexp.MustCompile(`(?m)^module \S+$`)

// writeKubernetesModule writes a go.mod and a go.sum into work that differ from
// the release's own in its name, in one more requirement (the release itself),
// and in taking the staging modules from the proxy. Keeping the rest gives the
// dependencies, and the go and godebug lines, that the release was made with.
// It returns the paths of the staging modules.
func writeKubernetesModule(version, source, work string) ([]string, error) {
	staging, err := stagingVersion(version)
	if err != nil {
		return nil, err
	}
	mod, err := os.ReadFile(filepath.Join(source, "go.mod"))
	if err != nil {
		return nil, err
	}
	var modules []string
	for _, match := range stagingLine.FindAllSubmatch(mod, -1) {
		modules = append(modules, string(match[1]))
	}
	if len(modules) == 0 {
		return nil, fmt.Errorf("%s: no staging modules in go.mod", source)
	}
	mod = stagingLine.ReplaceAll(mod, []byte("=> $1 "+staging))
	mod = moduleLine.ReplaceAll(mod, []byte("module auditsetup.invalid/build"))
	mod = append(mod, "\nrequire "+kubernetesModule+" "+version+"\n"...)
	if err := os.WriteFile(filepath.Join(work, "go.mod"), mod, 0o644); err != nil {
		return nil, err
	}
	sum, err := os.ReadFile(filepath.Join(source, "go.sum"))
	if err != nil {
		return nil, err
	}
	return modules, os.WriteFile(filepath.Join(work, "go.sum"), sum, 0o644)
}

// stagingVersion gives v0.37.1 for v1.37.1.
func stagingVersion(version string) (string, error) {
	rest, ok := strings.CutPrefix(version, "v1.")
	if !ok || strings.Count(rest, ".") != 1 {
		return "", fmt.Errorf("%q is not a release such as v1.37.1", version)
	}
	return "v0." + rest, nil
}

// versionFlags gives the linker flags that tell the programs their version.
// Without them kubeadm takes itself for v0.0.0 and refuses every configuration.
func versionFlags(version string) (string, error) {
	staging, err := stagingVersion(version)
	if err != nil {
		return "", err
	}
	minor := strings.Split(staging, ".")[1]
	var flags []string
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags = append(flags,
			"-X "+pkg+".gitVersion="+version,
			"-X "+pkg+".gitMajor=1",
			"-X "+pkg+".gitMinor="+minor)
	}
	return strings.Join(flags, " "), nil
}

// buildEtcd builds etcd into the folder out, with a module that it writes into
// the folder work. `go install` would refuse, since etcd's go.mod has
// replacements.
func buildEtcd(ctx context.Context, work, out string) error {
	const server = "go.etcd.io/etcd/server/v3"
	mod := "module auditsetup.invalid/build\n\ngo 1.24\n\nrequire " + server + " " + EtcdVersion + "\n"
	if err := os.WriteFile(filepath.Join(work, "go.mod"), []byte(mod), 0o644); err != nil {
		return err
	}
	_, err := goTool(ctx, work, nil, "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(out, "etcd"), server)
	return err
}

// goTool runs the go command in dir and returns its standard output. The
// settings that would change what is built are fixed; proxy, caches and the
// like are the user's. An error ends with the last lines that the command
// wrote.
func goTool(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"GOFLAGS=-mod=mod", "GOWORK=off", "GO111MODULE=on", "GOTOOLCHAIN=local",
		"CGO_ENABLED=0", "GOOS=", "GOARCH=", "GOEXPERIMENT=", "GODEBUG=")
	cmd.Env = append(cmd.Env, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// Interrupted, the go command starts nothing more and cleans up; killed, it
	// leaves its work folder behind.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("go %s: %w\n%s", args[0], err, lastLines(stderr.String(), 20))
	}
	return stdout.Bytes(), err
}

// lastLines returns the last n lines of text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
