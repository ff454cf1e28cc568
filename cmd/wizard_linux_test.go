// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	down   = "\x1b[B"
	up     = "\x1b[A"
	enter  = "\r"
	last   = "All of it is above. What now?\n"
	more   = "-- more:"
	toLast = "q" // at the first page of the review
)

// a is an answer: what is seen before it, and what is typed.
type a struct{ sees, types string }

// purposes are the ways through the wizard, from the first question to the files.
var purposes = []struct {
	name    string
	answers []a
	flags   []string // that the command at the end must have
}{
	{"forensics", []a{
		{"Requests per second", "10" + enter}, {"What is the log for?\n>", enter}, {"Which profile, at 10 requests/s?\n> recommended", enter},
		{"Where are the events to go?\n>", enter}, {"How far back", "7d" + enter}, {"The most that the log may take", enter},
	}, []string{"--rate 10", "--profile recommended", "--backend log", "--retention 7d", "--disk-budget 3Gi"}},
	{"compliance", []a{
		{"Requests per second", "10" + enter}, {"What is the log for?\n>", down + enter}, {"Which profile, at 10 requests/s?\n>", enter},
		{"Where are the events to go?\n>", enter}, {"How far back", "1d" + enter}, {"The most that the log may take", "2Gi" + enter},
	}, []string{"--rate 10", "--profile cis", "--disk-budget 2Gi"}},
	{"live", []a{
		{"Requests per second", "10" + enter}, {"What is the log for?\n>", down + down + enter}, {"Which profile, at 10 requests/s?\n>", enter},
		{"Where are the events to go?\n  a log file on", enter}, {"How is the receiver known?", enter}, {"URL of the receiver", "https://192.0.2.20:9765/k8s-audit" + enter},
		{"CA file", "/etc/kubernetes/pki/falco-ca.crt" + enter}, {"How does the kube-apiserver prove", down + enter},
		{"Client certificate file", "/etc/kubernetes/pki/falco-client.crt" + enter}, {"Client key file", "/etc/kubernetes/pki/falco-client.key" + enter},
		{"Should requests wait", enter}, {"How far back", "1d" + enter}, {"The most that the log may take", "2Gi" + enter},
	}, []string{"--profile falco", "--backend log,webhook", "--webhook-url https://192.0.2.20:9765/k8s-audit", "--webhook-ca /etc/kubernetes/pki/falco-ca.crt", "--webhook-mode batch"}},
	{"little", []a{
		{"Requests per second", "10" + enter}, {"What is the log for?\n>", up + up + enter}, {"Which profile, at 10 requests/s?\n> metadata", enter},
		{"Where are the events to go?\n>", enter}, {"How far back", "1d" + enter}, {"The most that the log may take", "2Gi" + enter},
	}, []string{"--profile metadata"}},
}

// TestWizard goes all the way for each purpose, and then takes the command that
// is printed at the end, which must make the same files of a copy.
func TestWizard(t *testing.T) {
	t.Parallel()
	for _, c := range purposes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, copied := machine(t), machine(t)
			pki(t, dir, copied)
			before := tree(t, filepath.Join(dir, "root"))
			p := seat{dir: dir}.run(t, "enable", "--root", "root")
			for _, next := range c.answers {
				p.answers(next.sees, next.types)
			}
			p.sees(more)
			p.types(toLast)
			p.answers(last, "")
			if after := tree(t, filepath.Join(dir, "root")); !maps.Equal(after, before) {
				t.Errorf("written before the last answer: %v", after)
			}
			p.types(down + enter) // cancel is the last, write the first
			said := p.ends(0)
			command := repeats(t, said)
			for _, flag := range c.flags {
				if !strings.Contains(command, " "+flag+" ") {
					t.Errorf("no %s in the command\n%s", flag, command)
				}
			}
			shell(t, copied, command)
			same(t, dir, copied)
			p.golden("wizard_" + c.name)
		})
	}
}

// repeats is the command that the wizard prints at the end.
func repeats(t *testing.T, said string) string {
	t.Helper()
	_, command, ok := strings.Cut(said, "the same without questions:\n")
	if !ok {
		t.Fatalf("no command at the end of\n%s", said)
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(command, "\\\n", "")), " ")
}

// shell runs what a person would paste into a shell.
func shell(t *testing.T, dir, command string) {
	t.Helper()
	sh := exec.CommandContext(t.Context(), "sh", "-c", command)
	sh.Dir = dir
	if out, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// same compares the roots of two folders; records tell of times, and are left
// out.
func same(t *testing.T, one, other string) {
	t.Helper()
	trees := []map[string]string{tree(t, filepath.Join(one, "root")), tree(t, filepath.Join(other, "root"))}
	for _, found := range trees {
		maps.DeleteFunc(found, func(path, _ string) bool { return strings.HasPrefix(path, "var/lib/auditsetup") })
	}
	if !maps.Equal(trees[0], trees[1]) || len(trees[0]) < 8 {
		t.Errorf("files differ:\n%v\n%v", trees[0], trees[1])
	}
}

// TestWizardCancelled gives up at every question, by an interrupt and by the end
// of input, on each kind of terminal; and at the last one by its own answer.
func TestWizardCancelled(t *testing.T) {
	t.Parallel()
	answers := append(purposes[2].answers[:len(purposes[2].answers):len(purposes[2].answers)], a{more, toLast}, a{last, ""})
	for _, kind := range []seat{{}, {term: "dumb"}, {mute: true}} {
		for at := range answers {
			for _, key := range []string{"\x03", "\x04"} {
				if kind.mute && at%6 > 0 {
					continue // asked like the dumb, after a second of waiting
				}
				t.Run(kind.term+" "+answers[at].sees, func(t *testing.T) {
					t.Parallel()
					dir := machine(t)
					pki(t, dir)
					before := tree(t, dir)
					kind.dir = dir
					p := kind.run(t, "enable", "--root", "root")
					for _, next := range answers[:at] {
						p.follow(kind, next)
					}
					p.follow(kind, a{answers[at].sees, key})
					said := p.ends(1)
					if !strings.Contains(said, "auditsetup: error: interrupted, and nothing was written\n") {
						t.Errorf("said\n%s", said)
					}
					if after := tree(t, dir); !maps.Equal(after, before) {
						t.Errorf("written: %v", after)
					}
				})
			}
		}
	}
}

// follow gives an answer meant for lists with arrows on any kind of terminal.
func (p *person) follow(s seat, next a) {
	p.t.Helper()
	if s.term != "dumb" && !s.mute {
		p.answers(next.sees, next.types)
		return
	}
	question, _, _ := strings.Cut(next.sees, "\n")
	keys := next.types
	switch {
	case strings.Contains(keys, down):
		keys = string(rune('1'+strings.Count(keys, down))) + enter
	case keys == toLast:
		keys += enter
	}
	screen := p.sees(question)
	if i := strings.LastIndex(screen, question); strings.Contains(next.sees, "\n") || strings.Contains(screen[i:], " 1) ") {
		p.sees("which one")
	}
	p.answers(question, keys)
}

// pki puts a CA, and a client certificate with its key, on the control planes.
func pki(t *testing.T, dirs ...string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kube-apiserver-audit"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	certDER, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certDER}))
	for _, dir := range dirs {
		at := filepath.Join(dir, "root/etc/kubernetes/pki")
		write(t, filepath.Join(at, "falco-ca.crt"), certPEM)
		write(t, filepath.Join(at, "falco-client.crt"), certPEM)
		write(t, filepath.Join(at, "falco-client.key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}
