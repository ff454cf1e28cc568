// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"encoding/base64"
	"fmt"
	"path"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"go.yaml.in/yaml/v3"
)

// Read reads a kubeconfig strictly and gives what a kube-apiserver makes of its
// current context. file is the name for messages. The error is
// [document.Problems] with everything that is wrong with the text: fields that
// client-go does not know and would pass over, names that lead nowhere or stand
// there twice, relative paths, programs that the image of the kube-apiserver
// does not hold. Whether URL and certificates are good is for [Config.Check].
// With an error the Config may be nil, and holds what was found good otherwise.
func Read(file string, data []byte) (*Config, error) {
	var k kubeconfig
	problems := redact(document.ProblemsOf(document.DecodeStrict(file, data, &k)))
	root, _ := document.Parse(file, data)
	if root == nil || root.Kind != yaml.MappingNode {
		return nil, problems.Err()
	}
	r := &reading{file: file, root: root, problems: problems, config: &Config{At: map[Field]document.Problem{}}}
	r.head(&k)
	r.unique(&k)
	if u, at := r.current(&k); u != nil {
		r.user(u, at)
	}
	r.problems.Sort()
	return r.config, r.problems.Err()
}

type reading struct {
	file     string
	root     *yaml.Node
	problems document.Problems
	config   *Config
}

// add reports a problem with the value at path, unless its line has one.
func (r *reading) add(at, what, hint string) {
	p := r.at(at)
	for _, known := range r.problems {
		if known.Line == p.Line && known.Column == p.Column {
			return
		}
	}
	p.What, p.Hint = what, hint
	r.problems = append(r.problems, p)
}

func (r *reading) at(at string) document.Problem {
	node, _ := document.Find(r.root, at)
	return document.ProblemAt(r.file, node, "", "")
}

func (r *reading) head(k *kubeconfig) {
	if k.Kind != "" && k.Kind != "Config" {
		r.add("kind", fmt.Sprintf("kind is %q", k.Kind), "a kubeconfig has kind: Config")
	}
	if k.APIVersion != "" && k.APIVersion != "v1" {
		r.add("apiVersion", fmt.Sprintf("apiVersion is %q", k.APIVersion), "a kubeconfig has apiVersion: v1")
	}
	if k.CurrentContext == "" {
		r.add("current-context", "current-context is missing", "name the context that leads to the receiver")
	}
}

// unique refuses names that stand in a list twice, as client-go does.
func (r *reading) unique(k *kubeconfig) {
	twice := func(list string, names []string) {
		seen := map[string]bool{}
		for i, name := range names {
			if seen[name] {
				r.add(fmt.Sprintf("%s[%d].name", list, i), fmt.Sprintf("the name %q is given twice in %s", name, list), "give each a name of its own")
			}
			seen[name] = true
		}
	}
	var clusters, users, contexts []string
	for _, c := range k.Clusters {
		clusters = append(clusters, c.Name)
	}
	for _, u := range k.Users {
		users = append(users, u.Name)
	}
	for _, c := range k.Contexts {
		contexts = append(contexts, c.Name)
	}
	twice("clusters", clusters)
	twice("users", users)
	twice("contexts", contexts)
}

// current follows the current context to its cluster and its user. The user is
// nil when there is none, with or without a problem.
func (r *reading) current(k *kubeconfig) (u *user, at string) {
	for i, c := range k.Contexts {
		if c.Name != k.CurrentContext || k.CurrentContext == "" {
			continue
		}
		here := fmt.Sprintf("contexts[%d].context", i)
		r.leadToCluster(k, c.Context.Cluster, here+".cluster")
		if c.Context.User == "" {
			return nil, ""
		}
		for j := range k.Users {
			if k.Users[j].Name == c.Context.User {
				return &k.Users[j].User, fmt.Sprintf("users[%d].user", j)
			}
		}
		r.add(here+".user", fmt.Sprintf("there is no user %q", c.Context.User), "name one of users, or leave it out")
		return nil, ""
	}
	if k.CurrentContext != "" {
		r.add("current-context", fmt.Sprintf("there is no context %q", k.CurrentContext), "name one of contexts")
	}
	return nil, ""
}

func (r *reading) leadToCluster(k *kubeconfig, name, from string) {
	for i := range k.Clusters {
		if k.Clusters[i].Name == name && name != "" {
			r.cluster(&k.Clusters[i].Cluster, fmt.Sprintf("clusters[%d].cluster", i))
			return
		}
	}
	r.add(from, fmt.Sprintf("there is no cluster %q", name), "name one of clusters")
}

func (r *reading) cluster(c *cluster, at string) {
	out := r.config
	out.Server, out.TLSServerName, out.InsecureSkipTLSVerify, out.ProxyURL = c.Server, c.TLSServerName, c.InsecureSkipTLSVerify, c.ProxyURL
	for _, f := range []Field{Server, Insecure, Proxy} {
		out.At[f] = r.at(at + "." + string(f))
	}
	if c.Server == "" {
		r.add(at+".server", "the cluster has no server", "write server: https://HOST:PORT/PATH")
	}
	out.CA = r.source(CA, at, c.CertificateAuthority, c.CertificateAuthorityData)
}

func (r *reading) user(u *user, at string) {
	out := r.config
	out.Certificate = r.source(Certificate, at, u.ClientCertificate, u.ClientCertificateData)
	out.Key = r.source(Key, at, u.ClientKey, u.ClientKeyData)
	out.TokenFile, out.token, out.basic = u.TokenFile, u.Token != "", u.Username != "" || u.Password != ""
	out.At[User], out.At[TokenFile] = r.at(at), r.at(at+"."+string(TokenFile))
	r.absolute(at+"."+string(TokenFile), u.TokenFile)
	if !fitsHeader(u.Token) {
		r.add(at+".token", "the token has more than one word, or characters that no header takes", "write the token and nothing else; a newline at its end counts")
	}
	for name, given := range map[string]bool{"exec": u.Exec != nil, "auth-provider": u.AuthProvider != nil} {
		if given {
			r.add(at+"."+name, name+" runs what the image of the kube-apiserver does not hold", "use a client certificate or a token file")
		}
	}
	if u.Impersonate == "" && (u.ImpersonateUID != "" || u.ImpersonateGroups != nil || u.ImpersonateUserExtra != nil) {
		r.add(at, "impersonates a group or a uid without a user", "add as, or take as-uid, as-groups and as-user-extra out")
	}
}

// source is what a field and its -data say.
func (r *reading) source(f Field, at, file, data string) Source {
	name, inline := at+"."+string(f), at+"."+string(f)+"-data"
	s := Source{Path: file}
	r.config.At[f] = r.at(name)
	if data != "" {
		r.config.At[f] = r.at(inline)
		raw, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(data))
		switch {
		case file != "":
			r.add(inline, fmt.Sprintf("%s and %s-data are both given", f, f), "leave one of them out")
		case err != nil:
			r.add(inline, fmt.Sprintf("%s-data is not base64", f), "write the PEM file in base64: base64 -w0 FILE")
			return Source{}
		}
		return Source{Data: raw}
	}
	r.absolute(name, file)
	return s
}

// absolute refuses what would be looked for beside the kubeconfig, which lies in
// another place on the control plane than here.
func (r *reading) absolute(at, file string) {
	if file != "" && (!path.IsAbs(file) || path.Clean(file) != file) {
		r.add(at, "is not a plain absolute path, and the kubeconfig is to lie elsewhere on the control plane", "write it from /, as the control plane has it, without . and ..")
	}
}
