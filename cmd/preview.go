// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/render"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/tuning"
	"github.com/auditsetup/auditsetup/webhook"
	"github.com/spf13/cobra"
)

// reading is how a change is looked at other than as diffs; either way nothing
// is written.
type reading struct {
	output  enum
	explain string
}

func (r *reading) add(c *cobra.Command) {
	r.output = enum{"diff", []string{"diff", "json"}}
	addEnum(c, &r.output, "output", "o", "how to print a --dry-run: diff, or json with every number's formula")
	c.Flags().StringVar(&r.explain, "explain", "", "print where the value of an audit flag, or another number of the plan, comes from, and write nothing")
}

// check makes a dry run of an explanation, and refuses JSON without one.
func (r *reading) check(c *consent) error {
	if r.explain != "" {
		c.dryRun = true
	}
	if r.output.value == "json" && !c.dryRun {
		return usageError{document.Problem{File: "--output", What: "json is what a --dry-run prints", Hint: "add --dry-run"}}
	}
	return nil
}

// print prints what was asked for, and tells whether that was all.
func (r *reading) print(w io.Writer, p *planned) (done bool, err error) {
	switch {
	case r.explain != "":
		return true, explain(w, p.desired, r.explain)
	case r.output.value == "json":
		return true, p.writeJSON(w)
	}
	return false, nil
}

// preview is a change that was worked out and not made, as JSON has it. A key
// more does not change formatVersion.
type preview struct {
	FormatVersion int    `json:"formatVersion"`
	KubeVersion   string `json:"kubeVersion"`
	// Changes is false when everything is there already.
	Changes bool `json:"changes"`
	// Spec is the wish with its defaults filled in, as anybody may see it.
	Spec    setup.Spec       `json:"spec"`
	Flags   []reportedFlag   `json:"flags"`
	Files   []reportedFile   `json:"files"`
	Folders []reportedFolder `json:"folders"`
	Mounts  []reportedMount  `json:"mounts"`
	// Numbers are the calculation behind the flags, as plan prints it.
	Numbers   tuning.Result     `json:"numbers"`
	Estimates []string          `json:"estimates"`
	Notes     []reportedProblem `json:"notes"`
	Warnings  []reportedProblem `json:"warnings"`
	Drift     []reportedProblem `json:"drift"`
}

type reportedFlag struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Reason is never empty. Formula, Unit and Source are those of the
	// calculation, and empty for a flag that is none of its results.
	Reason  string `json:"reason"`
	Formula string `json:"formula"`
	Unit    string `json:"unit"`
	Source  string `json:"source"`
	ByHand  bool   `json:"byHand"`
}

type reportedFile struct {
	Path   string `json:"path"`
	Action string `json:"action"` // create, change, remove or keep
	Mode   string `json:"mode"`   // of a file that is not there yet; else empty
	Secret bool   `json:"secret"`
	// Diff is empty when nothing changes, and for what must not be shown.
	Diff string `json:"diff"`
}

type reportedFolder struct {
	Path string `json:"path"`
	Mode string `json:"mode"`
}

type reportedMount struct {
	Name      string `json:"name"`
	HostPath  string `json:"hostPath"`
	MountPath string `json:"mountPath"`
	Type      string `json:"type"`
	ReadOnly  bool   `json:"readOnly"`
}

type reportedProblem struct {
	File string `json:"file"`
	Line int    `json:"line"`
	What string `json:"what"`
	Hint string `json:"hint"`
}

// writeJSON prints the preview of a planned enable.
func (p *planned) writeJSON(w io.Writer) error {
	d := p.desired
	r := preview{
		FormatVersion: 1, KubeVersion: d.Version.String(), Changes: !p.idle(), Spec: d.Spec,
		Flags: reportFlags(d), Files: p.reportFiles(), Folders: []reportedFolder{}, Mounts: []reportedMount{},
		Numbers: d.Numbers, Estimates: orEmpty(d.Estimates), Notes: reportProblems(d.Notes), Warnings: reportProblems(d.Warnings), Drift: reportDrifts(p.result.Drift),
	}
	r.Spec, _ = d.Spec.Shown()
	r.Spec.APIVersion, r.Spec.Kind = setup.APIVersion, setup.Kind
	for _, f := range p.change.Folders {
		r.Folders = append(r.Folders, reportedFolder{p.display(f.Path), fmt.Sprintf("%04o", f.Mode)})
	}
	for _, m := range d.Mounts {
		r.Mounts = append(r.Mounts, reportedMount{m.Name, m.HostPath, m.MountPath, m.Type, m.ReadOnly})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

func reportFlags(d *setup.Desired) []reportedFlag {
	flags := []reportedFlag{}
	for _, f := range d.Flags {
		out := reportedFlag{Name: f.Name, Value: f.Value, Reason: f.Reason, ByHand: byHand(d, f.Name)}
		if n, ok := numberOf(d.Numbers, f.Name); ok && !out.ByHand {
			out.Reason, out.Formula, out.Unit, out.Source = n.Reason, n.Formula, n.Unit, n.Source
		}
		flags = append(flags, out)
	}
	return flags
}

func (p *planned) reportFiles() []reportedFile {
	files := []reportedFile{}
	for _, f := range p.files() {
		out := reportedFile{Path: p.display(f.Path), Action: actionOn(f), Secret: f.Secret}
		if f.Old == nil {
			out.Mode = fmt.Sprintf("%04o", cmp.Or(f.Mode, 0o600))
		}
		if !f.Secret {
			out.Diff = string(render.Diff(out.Path, f.Old, after(f)))
		}
		files = append(files, out)
	}
	return files
}

// files are all that the change touches or looked at, the manifest last, and the
// ConfigMap behind it, which is changed after all files. Before
// any is shown it is looked at once more for credentials, which may have come
// into a file by hand since it was recorded as one without.
func (p *planned) files() []node.FileChange {
	files := slices.Clone(p.change.Files)
	for i, f := range files {
		files[i].Secret = f.Secret || webhook.HoldsSecrets(f.Old) || webhook.HoldsSecrets(after(f))
	}
	if p.change.Manifest != nil {
		files = append(files, *p.change.Manifest)
	}
	if c := p.cluster(); c != nil {
		before, after := []byte(c.Before), []byte(c.After)
		files = append(files, node.FileChange{Path: configMapName, Old: before, New: after, Secret: webhook.HoldsSecrets(before) || webhook.HoldsSecrets(after)})
	}
	return files
}

// after is what a file holds when the change is made; nil when it is gone.
func after(f node.FileChange) []byte {
	if f.Remove {
		return nil
	}
	return f.New
}

func actionOn(f node.FileChange) string {
	switch {
	case f.Remove:
		return "remove"
	case f.Old == nil:
		return "create"
	case bytes.Equal(f.Old, f.New):
		return "keep"
	}
	return "change"
}

func reportProblems(all document.Problems) []reportedProblem {
	out := []reportedProblem{}
	for _, p := range all {
		out = append(out, reportedProblem{p.File, p.Line, p.What, p.Hint})
	}
	return out
}

func reportDrifts(all []manifest.Drift) []reportedProblem {
	out := []reportedProblem{}
	for _, d := range all {
		out = append(out, reportedProblem{Line: d.Line, What: driftText(d)})
	}
	return out
}
