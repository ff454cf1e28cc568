// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	securejoin "github.com/cyphar/filepath-securejoin"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/doctor"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/webhook"
)

// outside is where this process finds a path of the host, links followed as the
// host would.
func (g *gathering) outside(p string) (string, error) {
	if g.place.Host.Root == "" {
		return p, nil
	}
	root, err := filepath.Abs(g.place.Host.Root)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		return "", err
	}
	return securejoin.SecureJoin(root, p)
}

// stat looks at what is at a path. What is not there is no error.
func (g *gathering) stat(p string) (doctor.File, error) {
	file := doctor.File{Path: path.Clean(p), UID: -1, GID: -1}
	at, err := g.outside(p)
	if err != nil {
		return file, err
	}
	info, err := os.Stat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		file.Kind = doctor.Missing
		return file, nil
	case err != nil:
		return file, err
	case info.Mode().IsRegular():
		file.Kind = doctor.Regular
	case info.IsDir():
		file.Kind = doctor.Folder
	default:
		file.Kind = doctor.Other
	}
	file.Mode, file.Size, file.ModTime = info.Mode().Perm(), info.Size(), info.ModTime()
	file.UID, file.GID = ownerOf(info)
	file.Owned = file.UID == os.Geteuid()
	return file, nil
}

// read is stat with the content of a regular file, of which more than
// document.MaxSize is not read.
func (g *gathering) read(p string) (doctor.File, []byte, error) {
	file, err := g.stat(p)
	if err != nil || file.Kind != doctor.Regular {
		return file, nil, err
	}
	at, err := g.outside(p)
	if err != nil {
		return file, nil, err
	}
	f, err := os.Open(at)
	if err != nil {
		return file, nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, document.MaxSize+1))
	if err == nil {
		sum := sha256.Sum256(data)
		file.SHA256 = hex.EncodeToString(sum[:])
	}
	return file, data, err
}

// see is read for a file that may be kept from us: then it is named and its Kind
// is zero. Whatever else cannot be read is no file, as to the kube-apiserver.
func (g *gathering) see(what, p string) (doctor.File, []byte) {
	file, data, err := g.read(p)
	if errors.Is(err, fs.ErrPermission) {
		g.unseen(what+", "+g.place.Host.Display(p), reason(err))
		return doctor.File{Path: p}, nil
	}
	if err != nil {
		return doctor.File{Path: p, Kind: doctor.Other}, nil
	}
	return file, data
}

// files looks at what the flags name.
func (g *gathering) files() {
	if host, ok := g.named("audit-policy-file"); ok {
		g.policy(host)
	}
	if host, ok := g.named("audit-webhook-config-file"); ok {
		g.kubeconfig(host)
	}
	if host, ok := g.named("audit-log-path"); ok {
		g.log(host)
		g.logrotate(host)
		if g.Live {
			g.disk(path.Dir(host))
			g.label(path.Dir(host))
		}
	}
	g.Sources = map[string]doctor.File{}
	for _, m := range g.Mounts() {
		file, err := g.stat(m.HostPath)
		if err == nil {
			g.Sources[m.HostPath] = file
		}
	}
}

// named is the file of the host that a flag names; false when there is none, or
// the container would not see it.
func (g *gathering) named(flag string) (string, bool) {
	s, ok := g.Flag(flag)
	if !ok || s.Value == "" || s.Value == "-" {
		return "", false
	}
	return g.Manifest.HostPath(path.Clean(s.Value))
}

func (g *gathering) policy(host string) {
	var data []byte
	g.PolicyFile, data = g.see("the audit policy", host)
	if data == nil {
		return
	}
	g.Policy, g.PolicyErr = policy.Read(g.place.Host.Display(host), data, g.Version)
	g.PolicyRemoved = g.Policy != nil && !bytes.Equal(g.Policy.Bytes(), data) && len(apiserver.APIVersions(g.Version)) == 1
}

func (g *gathering) kubeconfig(host string) {
	var data []byte
	g.Kubeconfig, data = g.see("the webhook's kubeconfig", host)
	if data == nil {
		return
	}
	g.Webhook, g.WebhookErr = webhook.Read(g.place.Host.Display(host), data)
	if g.Webhook != nil {
		g.keys()
	}
	g.Readable = func(p string) ([]byte, error) {
		seen, ok := g.Manifest.HostPath(p)
		if !ok {
			return []byte{}, document.Problem{What: "is not mounted into the container"}
		}
		file, data, err := g.read(seen)
		switch {
		case err != nil:
			return nil, document.Problem{What: reason(err)}
		case file.Kind == doctor.Missing:
			return nil, document.Problem{What: "no such file or folder"}
		case file.Kind != doctor.Regular:
			return nil, document.Problem{What: "is no file"}
		}
		return data, nil
	}
}

// keys looks at the files of the kubeconfig that nobody else may read.
func (g *gathering) keys() {
	for _, f := range g.Webhook.Files() {
		if f.Field != webhook.Key && f.Field != webhook.TokenFile {
			continue
		}
		seen, ok := g.Manifest.HostPath(f.Path)
		if !ok {
			continue // mount-missing
		}
		file, err := g.stat(seen)
		if err != nil {
			g.unseen("the permissions of "+g.place.Host.Display(seen), reason(err))
			continue
		}
		g.Keys = append(g.Keys, file)
	}
}

// reason is the bare text of a system error: its wrapping names paths that may
// mean nothing to the user.
func reason(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}
