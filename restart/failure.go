// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package restart

import (
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/podlog"
)

// shownLines is how many of the server's last lines come with a failure.
const shownLines = 10

// Failure says why a kube-apiserver did not come back. errors.As also finds a
// [document.Problem] in it.
type Failure struct {
	// What is one line, with the server's own words where it had any.
	What string
	// Hint says what to look at; may be empty.
	Hint string
	// Log is the file that Lines, the server's last, are from. Both may be empty.
	Log   string
	Lines []string
}

func (f *Failure) Error() string { return f.What }

// Unwrap gives the failure without the lines.
func (f *Failure) Unwrap() error { return document.Problem{What: f.What, Hint: f.Hint} }

// failure words what happened, with the last lines of the log that the change
// brought about, if there is one.
func (w *Watch) failure(what, hint string) *Failure {
	f := &Failure{What: what, Hint: hint}
	if all := w.newLogs(); len(all) > 0 {
		f.read(all[0])
	}
	return f
}

func (f *Failure) read(log podlog.File) (words string) {
	lines := podlog.Tail(log.Path)
	f.Log, f.Lines = log.Path, lines[max(0, len(lines)-shownLines):]
	return podlog.LastWords(lines)
}

// ended words the end of the new server.
func (w *Watch) ended(how string) *Failure {
	what := "the new kube-apiserver ended"
	if how != "" {
		what += " (" + how + ")"
	}
	f := w.failure(what, "")
	if f.Log == "" {
		f.Hint = "its log is not below " + w.Kubelet.PodLogs + ": try crictl ps -a --name kube-apiserver"
		return f
	}
	// The latest may be that of the next try, which has only begun.
	for _, log := range w.newLogs() {
		if words := f.read(log); words != "" {
			f.What += ": " + words
			break
		}
	}
	return f
}

// newLogs are the logs of the container that were not there at [Watch.Begin],
// the latest first.
func (w *Watch) newLogs() []podlog.File {
	return slices.DeleteFunc(podlog.Of(w.Kubelet.outside(w.Kubelet.PodLogs), w.Namespace, w.Pod, w.Container), func(log podlog.File) bool {
		return w.known[log.Path] || log.Size == 0
	})
}

// portTaken says whether a server ended only since the one before it had not
// let go of the port yet, which kubelets before 1.22.17 let happen.
func (f *Failure) portTaken() bool {
	for _, line := range f.Lines {
		if strings.Contains(line, "address already in use") {
			return true
		}
	}
	return false
}
