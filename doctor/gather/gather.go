// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package gather looks at a control plane for package doctor: at the files of
// the machine or of the image of one, and on the machine itself at the process
// table, at what the kube-apiserver tells about itself and at the receiver of its
// webhook. It writes nothing. What cannot be looked at is named with the reason
// and left out; only a manifest that cannot be opened is an error.
//
// The file system below a root is looked at as from within, links included.
package gather

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"time"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/doctor"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/restart"
)

// Place is what to look at.
type Place struct {
	// Host is the machine, or with a Root the image of one, of which only files
	// are looked at.
	Host *node.Host
	// Manifest is the path of the static pod on the host.
	Manifest string
	// Version is that of the kube-apiserver where the user has said so; its Minor
	// is 0 where the image is to tell, or else the server.
	Version apiserver.Version
	// Retype are the flags for the same host, see [doctor.Facts].
	Retype string
	// Machine is where processes are looked for.
	Machine restart.Machine
}

// gathering is one call of Facts.
type gathering struct {
	place Place
	*doctor.Facts
}

// Facts looks at everything. ctx bounds what is asked of others. The error says
// why there is no manifest to begin with, as a problem with a hint.
func Facts(ctx context.Context, p Place) (*doctor.Facts, error) {
	g := &gathering{place: p, Facts: &doctor.Facts{
		Now: time.Now(), Live: p.Host.Root == "", Display: p.Host.Display, Retype: p.Retype, Path: p.Manifest, Version: p.Version,
	}}
	if err := g.readManifest(); err != nil {
		return nil, err
	}
	g.strays()
	g.records()
	g.version()
	g.patches()
	if g.Manifest != nil {
		if g.Live {
			g.running(ctx)
		}
		g.files()
		g.asked()
		if g.Live && g.Webhook != nil {
			g.receiver(ctx)
		}
	}
	if !g.Live {
		g.unseen("the running machine (process, metrics, kubeadm-config, receiver, disk)", "with --root only files are looked at")
	}
	return g.Facts, nil
}

func (g *gathering) unseen(what, why string) {
	g.Unseen = append(g.Unseen, doctor.Unseen{What: what, Why: why})
}

// manifest reads the static pod. One that is there and makes no sense is a fact.
func (g *gathering) readManifest() error {
	file, text, err := g.read(g.place.Manifest)
	shown := g.place.Host.Display(g.place.Manifest)
	hint := "check the path given with --manifest; kubeadm's is /etc/kubernetes/manifests/kube-apiserver.yaml, on a control plane"
	switch {
	case errors.Is(err, fs.ErrPermission):
		return document.Problem{File: shown, What: "cannot be read: permission denied", Hint: "run the command as root"}
	case err != nil:
		return document.Problem{File: shown, What: "cannot be read: " + reason(err), Hint: hint}
	case file.Kind == doctor.Missing:
		return document.Problem{File: shown, What: "is not there", Hint: hint}
	case file.Kind != doctor.Regular:
		return document.Problem{File: shown, What: "is no file", Hint: hint}
	}
	g.File, g.Text = file, text
	g.Manifest, g.ManifestErr = manifest.Read(shown, text)
	return nil
}

func (g *gathering) strays() {
	strays, err := g.place.Host.Strays(g.place.Manifest)
	for _, s := range strays {
		g.Strays = append(g.Strays, s.Problem)
	}
	for _, p := range document.ProblemsOf(err) {
		g.unseen("other files in "+g.place.Host.Display(path.Dir(g.place.Manifest)), p.What)
	}
}

// records finds the change of auditsetup that is in force: the last one that is
// done, is no rollback, and was not taken back.
func (g *gathering) records() {
	records, err := g.place.Host.Records()
	if err != nil {
		g.unseen("the records of auditsetup", document.ProblemsOf(err)[0].Error())
	}
	for _, r := range records {
		if r.State != node.StateDone || r.Undoes != "" {
			continue
		}
		if r.Command != "enable" {
			g.Enabled = nil
			continue
		}
		for _, f := range r.Files {
			if f.Manifest && f.Path == g.Path {
				g.Enabled = &doctor.Enabled{ID: r.ID, Time: r.Time, Manifest: f.After}
			}
		}
	}
	switch err := g.place.Host.Available(); {
	case errors.Is(err, node.ErrUnfinished):
		g.Unfinished = err
		g.cutOff()
	case errors.Is(err, node.ErrLocked):
		g.unseen("whether the last change has come to its end", "another auditsetup is at work")
	}
}

// version is what the user says, or the image.
func (g *gathering) version() {
	if g.Version.Minor != 0 || g.Manifest == nil {
		return
	}
	v, err := apiserver.VersionFromImage(g.Manifest.Image())
	if err == nil {
		g.Version = v
		return
	}
	if !g.Live {
		g.noVersion(err.Error())
	}
}

func (g *gathering) noVersion(why string) {
	g.unseen("the flags by the rules of the kube-apiserver's version", why+": give it with --kube-version")
}
