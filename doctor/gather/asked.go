// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"os"
	"path/filepath"

	"github.com/auditsetup/auditsetup/doctor"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/setup"
)

// asked finds what the enable in force was asked for, and works out what that
// comes to. Records of earlier versions do not tell.
func (g *gathering) asked() {
	id, data, err := g.place.Host.Asked("enable", true)
	if err != nil || data == nil {
		return // what is wrong with the records is said already
	}
	at := g.place.Host.Display(g.place.Host.AskedPath(id))
	spec, _, err := setup.Decode(at, data)
	if err != nil {
		g.unseen("what auditsetup enable was asked for", document.ProblemsOf(err)[0].Error())
		return
	}
	g.AskedFile, g.Asked = at, &spec
	g.wanted(spec)
	if same, known := g.Unchanged(g.PolicyFile); same && known && gone(spec.Policy.File) {
		spec.Policy.File, spec.Policy.ExtraRules = g.absolute(g.PolicyFile.Path), nil
	}
	if same, known := g.Unchanged(g.Kubeconfig); same && known && gone(spec.Webhook.ConfigFile) {
		spec.Webhook.ConfigFile = g.absolute(g.Kubeconfig.Path)
	}
}

// wanted are the flags that a wish comes to. The files that it names may be gone,
// and those that are in force do for them: no flag follows from what is in them.
func (g *gathering) wanted(spec setup.Spec) {
	in := setup.Input{Spec: spec, Image: g.Manifest.Image(), Manifest: g.Path, PolicyData: []byte(anyPolicy)}
	if g.Version.Minor != 0 {
		in.Spec.KubeVersion = g.Version.String()
	}
	if spec.Webhook.ConfigFile != "" {
		_, in.WebhookData, _ = g.read(g.Kubeconfig.Path)
	}
	desired, err := setup.Resolve(in)
	if err != nil {
		g.unseen("whether the manifest is as was asked for", document.ProblemsOf(err)[0].Error())
		return
	}
	g.Wanted = map[string]string{}
	for _, f := range desired.Flags {
		g.Wanted[f.Name] = f.Value
	}
}

// anyPolicy stands for the policy of a wish.
const anyPolicy = "{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}"

// absolute is a file of the host as it is found from anywhere.
func (g *gathering) absolute(p string) string {
	at, err := filepath.Abs(g.place.Host.Display(p))
	if err != nil {
		return g.place.Host.Display(p)
	}
	return at
}

// gone says whether a file of the user's that has a name is not there any more.
func gone(file string) bool {
	if file == "" {
		return false
	}
	_, err := os.Stat(file)
	return err != nil
}

// cutOff tells how far the change came that was cut off.
func (g *gathering) cutOff() {
	c, err := g.place.Host.CutOff()
	if err != nil || c == nil {
		return
	}
	g.CutOff = &doctor.CutOff{ID: c.Record.ID, Command: c.Record.Command, Time: c.Record.Time, Step: stepWords(c.Step), Written: c.Written, Files: len(c.Record.Files)}
}

// stepWords says what was being done in a step.
func stepWords(s node.Step) string {
	switch s {
	case node.StepBackup:
		return "before any file was changed"
	case node.StepFiles:
		return "while files were written, the manifest not yet"
	case node.StepManifest:
		return "while files were written, the manifest among them"
	}
	return "after all files were written, while the kube-apiserver was waited for"
}
