// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/live"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/persist"
)

// keptFile is the file in the state folder that remembers changes of the
// ConfigMap, since it has no backup among those of node.
const keptFile = "kubeadm-config.json"

// keepLimit is for the change of the ConfigMap.
const keepLimit = 30 * time.Second

// keptLog is the memory of what was changed in the ConfigMap, oldest first.
type keptLog struct {
	// FormatVersion is 1.
	FormatVersion int          `json:"formatVersion"`
	Changes       []keptChange `json:"changes"`
}

// keptChange is one change of the ConfigMap. It is written down before it is
// made, so that one may be here that never was; to undo that does nothing.
type keptChange struct {
	// Change is the ID of the node.Record with which it is rolled back.
	Change string `json:"change"`
	// Command is enable or disable.
	Command string `json:"command"`
	persist.Record
}

func (h *hostFlags) readKept() (keptLog, error) {
	log := keptLog{FormatVersion: 1}
	name := path.Join(h.host.StateDir, keptFile)
	file, err := h.host.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return log, nil
	}
	if err != nil {
		return log, err
	}
	if err := json.Unmarshal(file.Bytes, &log); err != nil || log.FormatVersion != 1 {
		return log, document.Problem{File: h.host.Display(name), What: "is damaged, or of a newer auditsetup", Hint: "use the auditsetup that wrote it, or remove it: what is in the ConfigMap before audit is then no longer known"}
	}
	return log, nil
}

func (h *hostFlags) writeKept(log keptLog) error {
	data, err := json.MarshalIndent(log, "", "  ")
	if err != nil {
		return err
	}
	return h.host.Keep(keptFile, append(data, '\n'))
}

// kept is all that was changed since the last disable, as one change.
func (l keptLog) kept() *persist.Record {
	var all *persist.Record
	for _, c := range l.Changes {
		all = all.Then(&c.Record)
		if c.Command == "disable" {
			all = nil
		}
	}
	return all
}

// back is the change that takes back what was changed along with a record.
func (l keptLog) back(id string) *persist.Record {
	var all *persist.Record
	for _, c := range l.Changes {
		if c.Change == id {
			all = all.Then(&c.Record)
		}
	}
	if all == nil {
		return nil
	}
	return &persist.Record{Before: all.After, After: all.Before}
}

func (l keptLog) without(id string) keptLog {
	l.Changes = slices.DeleteFunc(slices.Clone(l.Changes), func(c keptChange) bool { return c.Change == id })
	return l
}

// idle says whether nothing is to be done, neither to files nor to the cluster.
func (p *planned) idle() bool { return p.change.Idle() && p.cluster() == nil }

// cluster is the change of the ConfigMap, nil for none.
func (p *planned) cluster() *persist.Record {
	if p.kept == nil || p.kept.plan == nil {
		return nil
	}
	return p.kept.plan.Cluster
}

func filesIdle(files []node.FileChange) bool { return node.Change{Files: files}.Idle() }

// keep changes the ConfigMap, once the API server has come back. When that fails
// audit is on and proven all the same, and to undo it would restart the API
// server twice more for something that matters at the next upgrade only: it is
// a warning, and the same command does the rest.
func (p *planned) keep(h *hostFlags, io Streams, id string) (done bool) {
	if p.cluster() == nil {
		return false
	}
	again := "run the same command again; until then kubeadm upgrade writes the manifest as it was"
	if !p.change.Idle() && !h.waits() {
		say(io.Err, "note", document.Problems{{What: "nothing was waited for, so that the " + configMapName + " stays as it is", Hint: again}})
		return false
	}
	ctx, stop := interruptible("interrupted")
	defer stop()
	limited, cancel := context.WithTimeout(ctx, keepLimit)
	defer cancel()
	err := p.kept.reach()
	if err == nil {
		err = p.kept.apply(limited, p.change, id)
	}
	if err == nil {
		return true
	}
	problems := slices.Clone(document.ProblemsOf(err))
	for i := range problems {
		problems[i].Hint = again
	}
	say(io.Err, "warning", problems)
	return false
}

func (k *keeper) apply(ctx context.Context, c node.Change, id string) error {
	if k.maps == nil {
		return k.missing.Err()
	}
	if c.Undoes != "" {
		if _, err := persist.Apply(ctx, k.maps, k.plan); err != nil {
			return err
		}
		return k.host.writeKept(k.log.without(c.Undoes))
	}
	if id == "" { // no file was changed, so that it goes with the last change
		var err error
		if id, err = k.lastChange(); err != nil {
			return err
		}
	}
	log := k.log
	log.Changes = append(slices.Clone(log.Changes), keptChange{id, c.Command, *k.plan.Cluster})
	if err := k.host.writeKept(log); err != nil {
		return err
	}
	made, err := persist.Apply(ctx, k.maps, k.plan)
	if err != nil || made == nil {
		return errors.Join(err, k.host.writeKept(k.log))
	}
	log.Changes[len(log.Changes)-1].Record = *made
	return k.host.writeKept(log)
}

// lastChange is the ID of the change that a rollback would take back.
func (k *keeper) lastChange() (string, error) {
	records, err := k.host.host.Records()
	for _, r := range slices.Backward(records) {
		if r.State == node.StateDone && r.Undoes == "" {
			return r.ID, err
		}
	}
	return "", err
}

// planBack has a rollback take back what was changed in the ConfigMap along with
// its change. An API server that is down is no reason to stop: it is asked
// when it is back.
func (h *hostFlags) planBack(c node.Change) (*keeper, error) {
	k := &keeper{host: h}
	var err error
	if k.log, err = h.readKept(); err != nil || h.host.Root != "" {
		return k, err
	}
	if back := k.log.back(c.Undoes); back != nil {
		k.plan = &persist.Change{Cluster: back}
	}
	return k, nil
}

// reach finds the cluster by the manifest as it is now.
func (k *keeper) reach() error {
	if k.maps != nil {
		return nil
	}
	file, err := k.host.host.Read(k.host.manifest)
	if err != nil {
		return err
	}
	m, err := manifest.Read(k.host.manifest, file.Bytes)
	if err == nil {
		k.ask(m)
	}
	return err
}

// warnOut says for whom the ConfigMap is, before it loses its audit part, or that
// it keeps that for want of a cluster to ask.
func (k *keeper) warnOut(w io.Writer, m *manifest.Manifest) {
	switch {
	case k.plan == nil || k.plan.Cluster == nil && k.maps != nil:
		return
	case k.maps == nil && k.log.kept() != nil:
		say(w, "warning", document.Problems{{What: "the " + configMapName + " has been given the setup, is not at hand now and keeps it: kubeadm upgrade would turn audit on again",
			Hint: "run auditsetup disable again on the machine when its API server answers"}})
		return
	case k.plan.Cluster == nil:
		return
	}
	names := controlPlanes(m)
	if len(names) == 1 {
		return
	}
	whose := "all control plane nodes"
	if len(names) > 1 {
		whose = fmt.Sprintf("all %d control plane nodes (%s)", len(names), strings.Join(names, ", "))
	}
	say(w, "warning", document.Problems{{What: "the " + configMapName + " is shared by " + whose + ": kubeadm upgrade writes each of their manifests without audit then",
		Hint: "to leave it as it is, add --persist " + string(persist.None)}})
}

// controlPlanes are the names of the nodes that have a control plane, empty when
// nobody says.
func controlPlanes(m *manifest.Manifest) []string {
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	client, err := live.Connect(live.Describe(m))
	if err != nil {
		return nil
	}
	for _, role := range []string{"control-plane", "master"} { // the older name until 1.24
		answer, err := client.Get(ctx, "/api/v1/nodes?labelSelector=node-role.kubernetes.io/"+role)
		var nodes struct {
			Items []struct {
				Metadata struct {
					Name string `json:"name"`
				} `json:"metadata"`
			} `json:"items"`
		}
		if err != nil || json.Unmarshal(answer.Body, &nodes) != nil || len(nodes.Items) == 0 {
			continue
		}
		var names []string
		for _, n := range nodes.Items {
			names = append(names, n.Metadata.Name)
		}
		return names
	}
	return nil
}

// reportKept prints where kubeadm finds the setup.
func (p *planned) reportKept(w io.Writer, done bool) {
	switch {
	case p.kept == nil || p.kept.plan == nil:
	case p.kept.plan.Mode == persist.KubeadmPatches:
		fmt.Fprintf(w, "  kept      in %s, for kubeadm upgrade with --patches %s\n", p.display(p.kept.folder.Path), p.kept.folder.Path)
	case p.kept.plan.Mode == persist.KubeadmConfig && (done || p.cluster() == nil):
		fmt.Fprintf(w, "  kept      in the %s, for kubeadm upgrade\n", configMapName)
	}
}
