// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/auditsetup/auditsetup/test/real/release"
)

// VersionVariable names the environment variable with the Kubernetes releases
// to run the suite on, one after the other, separated by blanks or commas. See
// [Versions] for what is known to work. Empty means the newest.
const VersionVariable = "AUDITSETUP_E2E_VERSION"

// LogsVariable names the environment variable with a folder that gets the logs
// of containerd, kubelet and the pods at the end. Empty means none are kept.
const LogsVariable = "AUDITSETUP_E2E_LOGS"

// stageVariable carries a [stage] from one process of a run to the next.
const stageVariable = "AUDITSETUP_E2E_STAGE"

// Versions returns the releases that the node has come up with, newest first.
func Versions() []string { return release.Versions() }

// stage says what a process of a run is for. The first process has none: it
// fetches and builds with the machine's own network and eyes, starts the others
// in namespaces, cleans up and looks for leftovers. The second is the first of
// the namespaces, and reaps. The third runs the tests.
type stage struct {
	Name string // "reaper" or "suite"
	// Machine is the mount namespace that the first process is in.
	Machine string
	Options Options
}

// Main is the body of a TestMain. It needs root, and says so. It starts a node
// in namespaces of its own, gives it to use, runs the tests there, takes the
// node down, and looks whether anything was left behind, which is a failure
// too. The return value is the exit code. With -list nothing is started.
func Main(m *testing.M, use func(*Node)) int {
	flag.Parse()
	if list := flag.Lookup("test.list"); list != nil && list.Value.String() != "" {
		return m.Run()
	}
	text, inside := os.LookupEnv(stageVariable)
	if !inside {
		return failed(runAll())
	}
	var s stage
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return failed(fmt.Errorf("%s: %w", stageVariable, err))
	}
	if s.Name == "reaper" {
		return reap(s)
	}
	if err := os.Unsetenv(stageVariable); err != nil {
		return failed(err)
	}
	return runSuite(m, s, use)
}

// failed prints an error other than nil and gives the exit code.
func failed(err error) int {
	if err == nil {
		return 0
	}
	if !errors.Is(err, errSuite) {
		fmt.Fprintf(os.Stderr, "e2e: error: %v\n", err)
	}
	return 1
}

// errSuite stands for failures that were printed where they happened.
var errSuite = errors.New("the suite failed")

// runAll is the first process: one suite for each release asked for.
func runAll() error {
	if os.Geteuid() != 0 {
		return errors.New("the real node needs root: namespaces, mounts and cgroups are made\ne2e: hint: sudo -E env \"PATH=$PATH\" make e2e")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	versions := strings.FieldsFunc(os.Getenv(VersionVariable), func(r rune) bool { return r == ' ' || r == ',' })
	if len(versions) == 0 {
		versions = Versions()[:1]
	}
	var all error
	for _, version := range versions {
		err := runOne(ctx, version)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		all = errors.Join(all, err)
	}
	return all
}

// runOne runs the suite on one release, and cleans up after it.
func runOne(ctx context.Context, version string) (err error) {
	progress := newProgress(os.Stderr, version, time.Now())
	before := lookAtMachine()
	cache, err := release.Default()
	if err != nil {
		return err
	}
	run, err := newRun(filepath.Join(filepath.Dir(cache.Dir), "run"))
	if err != nil {
		return err
	}
	defer func() {
		keepLogs(run.dir)
		err = errors.Join(err, run.remove(), before.leftovers(run, progress))
		run.letGo()
	}()
	programs, err := prepare(ctx, cache, version, run.dir, progress)
	if err != nil {
		return err
	}
	return run.inNamespaces(ctx, stage{
		Name: "reaper", Machine: mountNamespace("self"),
		Options: Options{Version: version, Dir: insideDir, Programs: programs, Cgroup: run.cgroup, Started: progress.began},
	})
}

// runSuite is the third process: the node and the tests.
func runSuite(m *testing.M, s stage, use func(*Node)) int {
	progress := newProgress(os.Stderr, s.Options.Version, s.Options.Started)
	if mountNamespace("self") == s.Machine {
		return failed(errors.New("the node would have run in the machine's own mount namespace"))
	}
	s.Options.Progress = progress
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	n, err := Start(ctx, s.Options)
	if err != nil {
		return failed(err)
	}
	progress.say("ready")
	use(n)
	code := m.Run()
	if code != 0 {
		progress.say("the suite failed; the kubelet's last lines:\n%s", n.KubeletLog(15))
	}
	if err := n.Stop(); err != nil {
		return failed(err)
	}
	return code
}

// mountNamespace names the mount namespace of a process, "self" or an ID.
func mountNamespace(pid string) string {
	name, err := os.Readlink("/proc/" + pid + "/ns/mnt")
	if err != nil {
		return ""
	}
	return name
}
