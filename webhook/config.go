// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package webhook knows the kubeconfig by which a kube-apiserver finds the
// receiver of its webhook backend. It writes one from a URL and the names of
// files, reads one that somebody else wrote as the kube-apiserver will read it,
// and says what is wrong with it and with the certificates that it names. It
// opens no file and no connection: what is there comes in as an argument. No
// problem that it reports holds a credential.
package webhook

import (
	"bytes"
	"strings"
	"text/template"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/templates"
	sigsyaml "sigs.k8s.io/yaml"
)

// Field names a part of a [Config], as a kubeconfig spells it.
type Field string

// The fields that problems are about.
const (
	Server      Field = "server"
	CA          Field = "certificate-authority"
	Certificate Field = "client-certificate"
	Key         Field = "client-key"
	TokenFile   Field = "tokenFile"
	Insecure    Field = "insecure-skip-tls-verify"
	Proxy       Field = "proxy-url"
	User        Field = "user"
)

// Source is where certificates or a key are: in a file of the control plane, or
// in the kubeconfig itself. The zero Source says that there are none.
type Source struct {
	// Path is absolute. Empty when Data holds it.
	Path string
	// Data is PEM. Nil when a file holds it.
	Data []byte
}

func (s Source) given() bool { return s.Path != "" || s.Data != nil }

// Config is what a kubeconfig says of the receiver, as far as a kube-apiserver
// looks at it: its current context.
type Config struct {
	// Server is the URL that events are posted to.
	Server string
	// TLSServerName is the name to look for in the receiver's certificate; empty
	// means the host of Server.
	TLSServerName        string
	CA, Certificate, Key Source
	// TokenFile is an absolute path, empty when there is none.
	TokenFile             string
	InsecureSkipTLSVerify bool
	// ProxyURL is empty for what the environment of the kube-apiserver says.
	ProxyURL string
	// At says where each field was given; a field that is not in it is reported
	// under its own name.
	At map[Field]document.Problem

	token, basic bool // in the kubeconfig itself
}

// File is one file of the control plane that a kubeconfig names.
type File struct {
	Field Field
	Path  string
}

// Files are those that the kube-apiserver has to be able to open, in the order
// of their fields.
func (c *Config) Files() []File {
	var files []File
	for _, f := range []File{{CA, c.CA.Path}, {Certificate, c.Certificate.Path}, {Key, c.Key.Path}, {TokenFile, c.TokenFile}} {
		if f.Path != "" {
			files = append(files, f)
		}
	}
	return files
}

// Problem is one about a field, at its place.
func (c *Config) Problem(field Field, what, hint string) document.Problem {
	p, ok := c.At[field]
	if !ok {
		p.File = string(field)
	}
	p.What, p.Hint = what, hint
	return p
}

// Encode writes the kubeconfig: Server and the fields that name files. What a
// kubeconfig holds inline is not written, so the text holds no credential. The
// error says that the template and the code do not go together.
func (c *Config) Encode() ([]byte, error) {
	t, err := template.New("webhook").Funcs(template.FuncMap{"text": quoted}).Parse(templates.WebhookKubeconfig)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, c); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// quoted writes a text so that YAML reads that very text.
func quoted(s string) (string, error) {
	text, err := sigsyaml.Marshal(s)
	return strings.TrimSuffix(string(text), "\n"), err
}
