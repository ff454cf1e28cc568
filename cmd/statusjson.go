// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/auditsetup/auditsetup/doctor"
	"github.com/auditsetup/auditsetup/setup"
)

// statusReport is the status as JSON has it. A key more does not change
// formatVersion. What was not looked at is null, but for lists.
type statusReport struct {
	FormatVersion int              `json:"formatVersion"`
	On            bool             `json:"on"`
	ByAuditsetup  bool             `json:"byAuditsetup"`
	KubeVersion   string           `json:"kubeVersion"`
	Profile       string           `json:"profile"`
	Enabled       *statusEnabled   `json:"enabled"`
	Unfinished    *statusCutOff    `json:"unfinished"`
	Asked         *setup.Spec      `json:"asked"`
	Process       *statusProcess   `json:"process"`
	Flags         []statusFlag     `json:"flags"`
	Files         []statusFile     `json:"files"`
	Log           *statusLog       `json:"log"`
	Webhook       *statusWebhook   `json:"webhook"`
	Events        *statusEvents    `json:"events"`
	Kept          []statusKept     `json:"kept"`
	Drift         []statusDrift    `json:"drift"`
	Errors        int              `json:"errors"`
	Warnings      int              `json:"warnings"`
	NotLookedAt   []reportedUnseen `json:"notLookedAt"`
}

func (l *looking) writeStatus(f *doctor.Facts) error {
	kept := reportWritten(l.lookWritten(f)) // has a say in NotLookedAt
	r := statusReport{
		FormatVersion: 1, On: f.AuditOn(), ByAuditsetup: f.Manifest != nil && f.Manifest.Changed(), Profile: f.Profile(),
		Enabled: reportEnabled(f), Unfinished: reportCutOff(f), Asked: reportAsked(f), Kept: kept, Process: reportProcess(f), Flags: reportSettings(f), Files: reportLooked(f), Log: reportLog(f),
		Webhook: reportReceiver(f), Events: reportEvents(f), Drift: []statusDrift{}, NotLookedAt: reportUnseen(f),
	}
	if f.Version.Minor != 0 {
		r.KubeVersion = f.Version.String()
	}
	for _, d := range f.Differences() {
		r.Drift = append(r.Drift, statusDrift(d))
	}
	for _, found := range doctor.Run(f) {
		if found.Severity == doctor.Error {
			r.Errors++
		} else {
			r.Warnings++
		}
	}
	return writeJSON(l.io.Out, r)
}

type statusEnabled struct {
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	// ManifestUnchanged says that the manifest is that of then, byte for byte.
	ManifestUnchanged bool `json:"manifestUnchanged"`
}

// statusCutOff is a change that was cut off.
type statusCutOff struct {
	ID      string    `json:"id"`
	Command string    `json:"command"`
	Time    time.Time `json:"time"`
	Step    string    `json:"step"`
	Written int       `json:"written"` // files that are as the change has them
	Files   int       `json:"files"`
	Remedy  string    `json:"remedy"`
}

type statusProcess struct {
	PID        int        `json:"pid"`
	Started    *time.Time `json:"started"`
	AsManifest bool       `json:"asManifest"`
	On         bool       `json:"on"` // as its command line has it
	Ready      bool       `json:"ready"`
}

// statusFlag is an audit flag in the places that know it; null where it is not
// given, or the place was not looked at.
type statusFlag struct {
	Name     string  `json:"name"`
	Line     int     `json:"line"`
	Ours     bool    `json:"ours"`
	Manifest *string `json:"manifest"`
	Running  *string `json:"running"`
	Spec     *string `json:"spec"`
	Kubeadm  *string `json:"kubeadm"`
}

type statusFile struct {
	Role     string     `json:"role"` // manifest, policy, webhook or log
	Path     string     `json:"path"`
	Kind     string     `json:"kind"` // file, folder, other, missing, or empty
	Mode     string     `json:"mode"`
	UID      int        `json:"uid"`
	GID      int        `json:"gid"`
	Size     int64      `json:"size"`
	SHA256   string     `json:"sha256"`
	Modified *time.Time `json:"modified"`
}

type statusLog struct {
	Files     int        `json:"files"`
	Bytes     int64      `json:"bytes"`
	MostBytes int64      `json:"mostBytes"` // 0 when there is no bound
	First     *time.Time `json:"first"`
	Last      *time.Time `json:"last"`
	FreeBytes *int64     `json:"freeBytes"`
}

type statusWebhook struct {
	Receiver string `json:"receiver"`
	Answers  bool   `json:"answers"`
	Error    string `json:"error"`
	// Posts are those since the kube-apiserver started, and Failed how many of them
	// were not taken; both are 0 as well where that is not known.
	Posts  float64 `json:"posts"`
	Failed float64 `json:"failed"`
}

type statusEvents struct {
	Requests float64      `json:"requests"`
	Events   float64      `json:"events"`
	Lost     []statusLost `json:"lost"`
	Rejected float64      `json:"rejected"`
}

type statusLost struct {
	Part   string  `json:"part"`
	Events float64 `json:"events"`
}

type statusDrift struct {
	Between  string `json:"between"`
	Name     string `json:"name"`
	Manifest string `json:"manifest"`
	Other    string `json:"other"`
	Line     int    `json:"line"`
	Text     string `json:"text"`
}

// moment is nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func reportEnabled(f *doctor.Facts) *statusEnabled {
	if f.Enabled == nil {
		return nil
	}
	return &statusEnabled{f.Enabled.ID, f.Enabled.Time.UTC(), f.Enabled.Manifest == f.File.SHA256}
}

func reportCutOff(f *doctor.Facts) *statusCutOff {
	c := f.CutOff
	if c == nil {
		return nil
	}
	return &statusCutOff{c.ID, c.Command, c.Time.UTC(), c.Step, c.Written, c.Files, rollbackCommand(f)}
}

func reportAsked(f *doctor.Facts) *setup.Spec {
	if f.Asked == nil {
		return nil
	}
	shown, _ := f.Asked.Shown()
	return &shown
}

func reportProcess(f *doctor.Facts) *statusProcess {
	if f.Process == nil {
		return nil
	}
	return &statusProcess{f.Process.PID, moment(f.Process.Started), f.Process.AsManifest, f.Process.AuditOn(), f.NotReady == nil}
}

func reportSettings(f *doctor.Facts) []statusFlag {
	all := map[string]*statusFlag{}
	at := func(name string) *statusFlag {
		if all[name] == nil {
			all[name] = &statusFlag{Name: name}
		}
		return all[name]
	}
	if f.Manifest != nil {
		for _, s := range f.Manifest.AuditSettings() {
			one := at(s.Name)
			one.Line, one.Ours, one.Manifest = s.Line, s.Ours, &s.Value
		}
	}
	if f.Process != nil {
		for name, value := range f.Process.AuditFlags() {
			at(name).Running = &value
		}
	}
	for name, value := range f.Wanted {
		at(name).Spec = &value
	}
	if f.Kubeadm != nil {
		for name, value := range f.Kubeadm.Flags {
			at(name).Kubeadm = &value
		}
	}
	flags := []statusFlag{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		flags = append(flags, *all[name])
	}
	return flags
}

func reportLooked(f *doctor.Facts) []statusFile {
	files := []statusFile{}
	add := func(role string, file doctor.File) {
		if file.Path == "" {
			return
		}
		one := statusFile{Role: role, Path: f.Display(file.Path), Kind: string(file.Kind), UID: file.UID, GID: file.GID, Size: file.Size, SHA256: file.SHA256, Modified: moment(file.ModTime)}
		if file.Kind == doctor.Regular || file.Kind == doctor.Folder {
			one.Mode = fmt.Sprintf("%04o", file.Mode)
		}
		files = append(files, one)
	}
	add("manifest", f.File)
	add("policy", f.PolicyFile)
	add("webhook", f.Kubeconfig)
	if f.Log != nil {
		for _, rotated := range f.Log.Rotated {
			add("log", rotated)
		}
		add("log", f.Log.File)
	}
	return files
}

func reportLog(f *doctor.Facts) *statusLog {
	if f.Log == nil {
		return nil
	}
	l := &statusLog{Files: len(f.Log.Rotated), Bytes: f.Log.Bytes, MostBytes: f.MostBytes(), First: moment(f.Log.First), Last: moment(f.Log.Last)}
	if f.Log.File.Kind == doctor.Regular {
		l.Files++
	}
	if f.Disk != nil {
		l.FreeBytes = &f.Disk.Free
	}
	return l
}

func reportReceiver(f *doctor.Facts) *statusWebhook {
	if f.Receiver == nil {
		return nil
	}
	w := &statusWebhook{Receiver: f.Receiver.Origin, Answers: f.Receiver.Err == nil}
	if f.Receiver.Err != nil {
		w.Error = f.Receiver.Err.Error()
	}
	_, w.Posts, w.Failed = f.PostsToReceiver()
	return w
}

func reportEvents(f *doctor.Facts) *statusEvents {
	if f.Metrics == nil {
		return nil
	}
	e := &statusEvents{Requests: f.Metrics.Requests, Events: f.Metrics.Events, Lost: []statusLost{}, Rejected: f.Metrics.Rejected}
	for _, part := range slices.Sorted(maps.Keys(f.Metrics.Lost)) {
		e.Lost = append(e.Lost, statusLost{part, f.Metrics.Lost[part]})
	}
	return e
}
