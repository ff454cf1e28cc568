// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package cluster finds the kube-apiserver of a kubeconfig as kubectl does, and
// asks it what it serves. It reads, and changes nothing. What goes wrong is said
// without anything that may be a key.
package cluster

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/auditsetup/auditsetup/document"
)

const (
	// userAgent marks our requests in the log.
	userAgent = "auditsetup"
	// onControlPlane is where kubeadm puts the administrator's kubeconfig.
	onControlPlane = "/etc/kubernetes/admin.conf"
)

// Kubeconfig says as whom to ask which cluster. The zero value is as kubectl would.
type Kubeconfig struct {
	// File is empty for those that kubectl would take, or
	// /etc/kubernetes/admin.conf where there is none. Context is one in it; empty
	// for the current one.
	File, Context string
}

// Name is how the kubeconfig is called in messages.
func (k Kubeconfig) Name() string {
	if k.File != "" {
		return k.File
	}
	return "the kubeconfig"
}

// Config reads it. The error is a document.Problem. The decoder's own words may
// hold a key, and are not passed on.
func (k Kubeconfig) Config() (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.WarnIfAllMissing = false
	rules.ExplicitPath = k.File
	if k.File != "" {
		if _, err := os.Stat(k.File); err != nil {
			return nil, document.Problem{File: k.File, What: "cannot be read: " + errors.Unwrap(err).Error(), Hint: "name a kubeconfig with --kubeconfig"}
		}
	} else if readable(onControlPlane) {
		rules.Precedence = append(rules.Precedence, onControlPlane)
	}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: k.Context})
	if all, err := loader.RawConfig(); err == nil && k.Context != "" && all.Contexts[k.Context] == nil {
		return nil, document.Problem{File: k.Name(), What: fmt.Sprintf("there is no context %q", k.Context), Hint: "see kubectl config get-contexts"}
	}
	config, err := loader.ClientConfig()
	switch {
	case clientcmd.IsEmptyConfig(err):
		return nil, document.Problem{File: k.Name(), What: "there is none, or it names no cluster", Hint: "name one with --kubeconfig, or set KUBECONFIG"}
	case clientcmd.IsContextNotFound(err), clientcmd.IsConfigurationInvalid(err):
		return nil, document.Problem{File: k.Name(), What: err.Error(), Hint: "see kubectl config get-contexts"}
	case err != nil:
		return nil, document.Problem{File: k.Name(), What: "is no kubeconfig", Hint: "try: kubectl config view"}
	}
	config.UserAgent = userAgent
	return config, nil
}

func readable(path string) bool {
	file, err := os.Open(path)
	if err == nil {
		_ = file.Close()
	}
	return err == nil
}

// client is for requests as the user of a config. It follows no redirection: an
// answer is that of the server itself.
func client(config *rest.Config, file string) (*http.Client, error) {
	c, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, document.Problem{File: file, What: "cannot be used to ask the cluster: " + err.Error(), Hint: "try: kubectl version"}
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

// Right is what a user has to be allowed to ask.
type Right struct {
	// Paths are the nonResourceURLs, for a sentence: "nonResourceURL /metrics".
	Paths string
	// Role is the ClusterRole of kube-apiserver's own that has it (k8s.io/kubernetes
	// plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go), and Binding what
	// its binding may be called.
	Role, Binding string
	// Nobody is the hint for those who came without credentials.
	Nobody string
}

// who finds the name in the answer of kube-apiserver
// (k8s.io/apiserver pkg/endpoints/handlers/responsewriters/errors.go).
var who = regexp.MustCompile(`User \\?"([^"\\]+)\\?" cannot get path`)

// Forbidden says, of an answer 403 with that text, what an administrator is to
// type.
func (r Right) Forbidden(text string) (what, hint string) {
	user := ""
	if found := who.FindStringSubmatch(text); found != nil {
		user = found[1]
	}
	need := "may not read it: that takes the verb get on the " + r.Paths + ", as in the ClusterRole " + r.Role
	hint = "as an administrator: kubectl create clusterrolebinding " + r.Binding + " --clusterrole=" + r.Role + " "
	switch parts := strings.Split(user, ":"); {
	case user == "":
		return "the user of the kubeconfig " + need, hint + "--user=NAME"
	case user == "system:anonymous":
		return "nobody " + need, r.Nobody
	case strings.HasPrefix(user, "system:serviceaccount:") && len(parts) == 4:
		return user + " " + need, hint + "--serviceaccount=" + quoted(parts[2]+":"+parts[3])
	}
	return user + " " + need, hint + "--user=" + quoted(user)
}

// quoted is for a shell.
func quoted(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:._@-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
