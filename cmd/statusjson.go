// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/auditsetup/auditsetup/doctor"
)

type statusEnabled struct {
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	// ManifestUnchanged says that the manifest is that of then, byte for byte.
	ManifestUnchanged bool `json:"manifestUnchanged"`
}

type statusProcess struct {
	PID        int        `json:"pid"`
	Started    *time.Time `json:"started"`
	AsManifest bool       `json:"asManifest"`
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

func reportProcess(f *doctor.Facts) *statusProcess {
	if f.Process == nil {
		return nil
	}
	return &statusProcess{f.Process.PID, moment(f.Process.Started), f.Process.AsManifest, f.NotReady == nil}
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
