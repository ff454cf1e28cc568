// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package preflight looks, before anything is written, at all that could keep a
// running control plane from coming back after a change: whether it is well now,
// whether the process that runs is the one of the manifest, whether a kubelet
// watches its folder, and whether there is room for the log. It reports
// everything at once and changes nothing.
package preflight

import (
	"context"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/live"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/restart"
)

// Input is what is to be looked at.
type Input struct {
	Machine restart.Machine
	// Manifest is the one that is in force, read from the file Path.
	Manifest *manifest.Manifest
	Path     string
	// Version is the one that the change was made for; the zero Version is not
	// compared.
	Version apiserver.Version
	// Rescue says that the change takes back another one: what is wrong with the
	// API server is then no reason not to make it.
	Rescue bool
	// LogDir is where the log is to be, and LogBytes the most that it takes;
	// empty when there is none.
	LogDir   string
	LogBytes int64
	// Kept says that kubeadm will find the setup when it writes the manifest
	// anew, or that enough was said of it.
	Kept bool
}

// Report is what was found.
type Report struct {
	// Problems are in the way of any change. Down is besides why the API server
	// is not well; nil when it is.
	Problems document.Problems
	Down     error
	// Warnings may hurt later, Notes are worth knowing.
	Warnings, Notes document.Problems
	// Kubelet watches the folder of the manifest; its PID is 0 when none does.
	Kubelet restart.Kubelet
	// Version is the running server's own word, such as v1.37.1; empty when it
	// is down.
	Version string

	rescue bool
}

// Err is everything that is in the way, nil when nothing is. A server that is
// down is not in the way of a rescue.
func (r Report) Err() error {
	if r.rescue {
		return r.Problems.Err()
	}
	return append(slices.Clone(r.Problems), document.ProblemsOf(r.Down)...).Err()
}

// Check looks at everything. ctx bounds what is asked of the API server.
func Check(ctx context.Context, in Input) Report {
	r := &Report{rescue: in.Rescue}
	r.user(in)
	r.kubelet(in)
	before := len(r.Problems)
	r.server(ctx, in)
	if in.Rescue {
		r.demote(before)
	}
	if in.LogDir != "" {
		r.disk(in)
		r.labels(in)
	}
	return *r
}

// demote makes warnings of the problems from an index on.
func (r *Report) demote(from int) {
	r.Warnings = append(r.Warnings, r.Problems[from:]...)
	r.Problems = r.Problems[:from]
}

// user wants root, or whoever owns the manifest: others may neither write it nor
// look at the processes of the control plane.
func (r *Report) user(in Input) {
	if os.Geteuid() != 0 && !owned(in.Path) {
		r.Problems.Add("", "this needs root: the manifest and the kube-apiserver belong to it", "run the command with sudo")
	}
}

// kubelet wants one that watches the folder: nobody else would restart anything.
func (r *Report) kubelet(in Input) {
	folder := path.Dir(in.Path)
	k, ok := in.Machine.KubeletOf(folder)
	if ok {
		r.Kubelet = k
		return
	}
	var others []string
	for _, k := range in.Machine.Kubelets() {
		watched := k.Folder
		if watched == "" {
			watched = "no folder"
		}
		others = append(others, fmt.Sprintf("process %d watches %s", k.PID, watched))
	}
	if len(others) == 0 {
		r.Problems.Add("", "no kubelet is running on this machine, so nobody would restart the kube-apiserver", "start it: systemctl start kubelet")
		return
	}
	r.Problems.Add(folder, "is watched by no kubelet: "+strings.Join(others, ", "), "give the manifest that the kubelet runs with --manifest")
}

// server wants the process of the manifest, and it well.
func (r *Report) server(ctx context.Context, in Input) {
	client, err := live.Connect(live.Describe(in.Manifest))
	if err != nil {
		r.Down = err
		return
	}
	if err := client.Ready(ctx); err != nil {
		hint := "see what it says: crictl logs $(crictl ps -a --name kube-apiserver -q | head -1); a change that it is down for is taken back by auditsetup rollback"
		if in.Rescue {
			// Seen on a real one: test/node, TestBrokenBoot.
			hint = "a kubelet that was started while the API server was down takes up no change by itself: if nothing comes back within a minute, systemctl restart kubelet beside this"
		}
		r.Down = document.Problem{What: "the kube-apiserver is not healthy to begin with: " + err.Error(), Hint: hint}
		return
	}
	r.process(in, client.Server())
	r.version(ctx, in, client)
	if in.LogDir != "" && !in.Kept {
		r.kubeadm(ctx, client)
	}
}

func (r *Report) process(in Input, server live.Server) {
	p, found, err := in.Machine.ServerAt(server.Host, server.Port)
	switch {
	case err != nil:
		r.Problems.Add("", err.Error(), "")
	case !found:
		r.Problems.Add("", "the kube-apiserver that answers at "+server.Address()+" is no process of this machine, or of another network on it",
			"run the command on the control plane itself, and outside of containers")
	case !p.Runs(in.Manifest.Command()):
		r.Problems.Add(in.Path, fmt.Sprintf("is not what runs: process %d has other flags (%s)", p.PID, differences(p.Args, in.Manifest.Command())),
			"see why the kubelet has not taken this file: journalctl -u kubelet --since -1h")
	}
}

// differences names the flags that are on one of two command lines only, not
// their values.
func differences(a, b []string) string {
	var names []string
	for _, pair := range [][2][]string{{a, b}, {b, a}} {
		for _, arg := range pair[0] {
			name, _, _ := strings.Cut(arg, "=")
			if strings.HasPrefix(name, "--") && !slices.Contains(pair[1], arg) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return "in another order"
	}
	return strings.Join(names[:min(len(names), 5)], ", ")
}

// version wants the running server to be of the release that the flags are for.
func (r *Report) version(ctx context.Context, in Input, client *live.Client) {
	said, err := client.Version(ctx)
	if err != nil {
		r.Problems.Add("", "the kube-apiserver does not tell its version: "+err.Error(), "")
		return
	}
	r.Version = said
	running, err := apiserver.ParseVersion(said)
	if err != nil || in.Version == (apiserver.Version{}) || running == in.Version {
		return
	}
	what := fmt.Sprintf("the running kube-apiserver says that it is %s, and the change is made for %s", said, in.Version)
	if running.Minor != in.Version.Minor {
		r.Problems.Add("", what, "wait until an upgrade that is under way has ended, or say which it is with --kube-version")
		return
	}
	r.Warnings.Add("", what, "")
}

// kubeadm says what a later upgrade will do.
func (r *Report) kubeadm(ctx context.Context, client *live.Client) {
	answer, err := client.Get(ctx, "/api/v1/namespaces/kube-system/configmaps/kubeadm-config")
	if err == nil && answer.Status == 200 {
		r.Notes.Add("", "kubeadm upgrade will write the manifest anew from its own configuration, without audit", "run this command again after each upgrade")
	}
}
