// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// few are flags that leave the questions about the webhook, and the review.
var few = []string{"enable", "--root", "root", "--rate", "10", "--profile", "falco", "--backend", "log,webhook", "--retention", "1d", "--disk-budget", "2Gi"}

// TestWizardKubeconfig takes a kubeconfig of the administrator's own, and shows
// nothing of the token in it.
func TestWizardKubeconfig(t *testing.T) {
	t.Parallel()
	const secret = "eyJhbGciOiJSUzI1NiJ9"
	dir, copied := machine(t), machine(t)
	for _, at := range []string{dir, copied} {
		write(t, filepath.Join(at, "mine.kubeconfig"), `apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: "https://192.0.2.20:9765/"}}]
users: [{name: a, user: {token: `+secret+`}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
current-context: a
`)
	}
	p := seat{dir: dir}.run(t, few...)
	p.walk(a{"How is the receiver known?", down + enter}, a{"Kubeconfig for the receiver, on this machine", "nosuch" + enter}, a{"! no such file", enter},
		a{"! a file is needed here: type < to go back", "mine.kubeconfig" + enter}, a{"Should requests wait", enter}, a{more, toLast}, a{last, down + enter})
	said := p.ends(0)
	if strings.Contains(said, secret) {
		t.Errorf("the token is in\n%s", said)
	}
	command := repeats(t, said)
	if !strings.Contains(command, " --webhook-config mine.kubeconfig --webhook-mode batch ") {
		t.Error(command)
	}
	shell(t, copied, command)
	same(t, dir, copied)
	p.golden("wizard_kubeconfig")
}

// TestWizardToken names the file of a token, after going back from a certificate.
func TestWizardToken(t *testing.T) {
	t.Parallel()
	dir, copied := machine(t), machine(t)
	pki(t, dir, copied)
	for _, at := range []string{dir, copied} {
		write(t, filepath.Join(at, "root/etc/kubernetes/pki/falco token"), "abc\n")
	}
	p := seat{dir: dir}.run(t, few...)
	p.walk(a{"How is the receiver known?", enter}, a{"URL of the receiver", "https://192.0.2.20:9765/" + enter}, a{"CA file", "/nosuch" + enter}, a{"! /nosuch", "/etc/kubernetes/pki/falco-ca.crt" + enter},
		a{"How does the kube-apiserver prove", down + enter}, a{"Client certificate file", "/etc/kubernetes/pki/falco-client.crt" + enter}, a{"Client key file", "/etc/kubernetes/pki/falco-ca.crt" + enter},
		a{"! /etc/kubernetes/pki/falco-ca.crt", "<" + enter}, a{"Client certificate file (/etc", "<" + enter}, a{"> by a client certificate", down + enter},
		a{"Token file", "/etc/kubernetes/pki/falco token" + enter}, a{"Should requests wait", down + enter}, a{more, toLast}, a{last, down + enter})
	command := repeats(t, p.ends(0))
	if !strings.Contains(command, " --webhook-token-file '/etc/kubernetes/pki/falco token' --webhook-mode blocking ") || strings.Contains(command, "--webhook-client") {
		t.Error(command)
	}
	shell(t, copied, command)
	same(t, dir, copied)
}

// TestWizardSaveFlag writes the spec that --save names together with the change,
// and refuses to replace a file before it asks anything.
func TestWizardSaveFlag(t *testing.T) {
	t.Parallel()
	dir := machine(t)
	args := []string{"enable", "--root", "root", "--rate", "10", "--profile", "falco", "--backend", "log", "--retention", "1d", "--disk-budget", "2Gi", "--save"}
	p := seat{dir: dir}.run(t, append(args, "spec.yaml")...)
	if said := p.ends(1); !strings.Contains(said, "auditsetup: error: spec.yaml: is there already\n") || strings.Contains(said, "What now?") {
		t.Errorf("said\n%s", said)
	}
	p = seat{dir: dir}.run(t, append(args, "mine.yaml")...).walk(a{more, toLast}, a{last, ""})
	if _, err := os.Stat(filepath.Join(dir, "mine.yaml")); err == nil {
		t.Error("saved before the last answer")
	}
	p.types(down + enter)
	if command := repeats(t, p.ends(0)); command != "auditsetup enable -f mine.yaml --root root --yes" {
		t.Error(command)
	}
	read(t, filepath.Join(dir, "mine.yaml"))
}

// TestWizardShoutedURL asks for the CA of a receiver whatever way https is written.
func TestWizardShoutedURL(t *testing.T) {
	t.Parallel()
	p := seat{dir: machine(t)}.run(t, "enable", "--root", "root", "--rate", "10", "--profile", "metadata", "--backend", "webhook")
	p.walk(a{"How is the receiver known?", enter}, a{"URL of the receiver", "HTTPS://192.0.2.20/" + enter}, a{"CA file", "\x03"})
	p.ends(1)
}
