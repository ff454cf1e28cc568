// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/live"
)

// patience bounds all requests of a discovery. One that has to ask for each version
// of each group, as before Kubernetes 1.26, takes some seconds.
const patience = time.Minute

// tryYourself is the hint where there is no better one.
const tryYourself = "try: kubectl api-resources"

// Served is what a cluster serves.
type Served struct {
	// Resources are those of kube-apiserver itself, of CRDs and of aggregated
	// servers, as far as they are known.
	Resources apiserver.Resources
	// Missing are the versions of groups of which the resources could not be learned,
	// mostly as the aggregated server is down. Nil when that is all.
	Missing document.Problems
}

// Discover asks the cluster of a kubeconfig what it serves. It takes the verb get
// on /api, /apis and what is below, which by default everybody has who is logged in.
// The error is document.Problems: that of the kubeconfig, or why the cluster cannot
// be asked; when only a part of the groups fails, there is none.
func Discover(ctx context.Context, k Kubeconfig) (Served, error) {
	served, err := k.discover(ctx)
	if err != nil {
		return Served{}, document.ProblemsOf(err)
	}
	return served, nil
}

func (k Kubeconfig) discover(ctx context.Context) (Served, error) {
	config, err := k.Config()
	if err != nil {
		return Served{}, err
	}
	at, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return Served{}, document.Problem{File: k.Name(), What: "has a server that is no URL"}
	}
	server := (&url.URL{Scheme: at.Scheme, Host: at.Host, Path: at.Path}).String()
	config.WarningHandler = rest.NoWarnings{}
	httpClient, err := client(config, k.Name())
	if err != nil {
		return Served{}, err
	}
	asking, err := discovery.NewDiscoveryClientForConfigAndClient(config, httpClient)
	if err != nil {
		return Served{}, document.Problem{File: k.Name(), What: "cannot be used to ask the cluster: " + err.Error(), Hint: tryYourself}
	}
	// client-go has a log of its own, on stderr
	ctx, cancel := context.WithTimeout(logr.NewContext(ctx, logr.Discard()), patience)
	defer cancel()
	_, lists, err := asking.ServerGroupsAndResourcesWithContext(ctx)
	failed, partial := discovery.GroupDiscoveryFailedErrorGroups(err)
	if apierrors.IsForbidden(err) {
		err = inFull(ctx, asking, err)
	}
	if err != nil && !partial {
		return Served{}, unanswered(server, err)
	}
	served := Served{Missing: missing(server, failed)}
	if served.Resources, err = read(server, lists); err != nil {
		// what is missing says why there is nothing
		return Served{}, errors.Join(served.Missing.Err(), err)
	}
	return served, nil
}

// read gives the lists to those who read such files, so that both are understood
// alike.
func read(server string, lists []*metav1.APIResourceList) (apiserver.Resources, error) {
	var text bytes.Buffer
	for _, list := range lists {
		list.Kind = "APIResourceList"
		if err := json.NewEncoder(&text).Encode(list); err != nil {
			return nil, document.Problem{File: server, What: "tells of resources that cannot be read: " + err.Error(), Hint: tryYourself}
		}
	}
	found, err := apiserver.ReadDiscovery(server, text.Bytes())
	if err != nil {
		return nil, document.Problem{File: server, What: document.ProblemsOf(err)[0].What, Hint: "does the kubeconfig name a kube-apiserver? " + tryYourself}
	}
	return found, nil
}

// inFull asks again for what was forbidden, since the error of a discovery does not
// have the answer's text, and so not who it is that may not.
func inFull(ctx context.Context, asking *discovery.DiscoveryClient, err error) error {
	for _, path := range []string{"/api", "/apis"} {
		if again := asking.RESTClient().Get().AbsPath(path).Do(ctx).Error(); apierrors.IsForbidden(again) {
			return again
		}
	}
	return err
}

// unanswered says why nothing was learned.
func unanswered(server string, err error) error {
	p := document.Problem{File: server, Hint: tryYourself}
	var status apierrors.APIStatus
	var name x509.HostnameError
	var syntax *json.SyntaxError
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &status):
		p.What, p.Hint = refused(int(status.Status().Code), status.Status().Message)
	case errors.As(err, &name):
		p.What = "cannot be asked: the certificate there is not for " + name.Host
		p.Hint = "name the server in the kubeconfig as its certificate does, or set tls-server-name there"
	case errors.As(err, &syntax), errors.As(err, &wrongType):
		p.What = "answers, and not as a kube-apiserver does"
		p.Hint = "does the kubeconfig name a kube-apiserver? " + tryYourself
	default:
		p.What = "cannot be asked: " + live.Reason(err)
	}
	return p
}

func refused(status int, text string) (what, hint string) {
	right := Right{
		Paths: "nonResourceURLs /api, /api/*, /apis and /apis/*", Role: "system:discovery", Binding: "auditsetup-discovery",
		Nobody: "ask with credentials: name a kubeconfig that has some with --kubeconfig",
	}
	switch {
	case status == http.StatusForbidden:
		return right.Forbidden(text)
	case status == http.StatusUnauthorized:
		hint = "the credentials of the kubeconfig are not taken: renew them, or name another with --kubeconfig"
	case status == http.StatusNotFound, status >= 300 && status < 400:
		hint = "does the kubeconfig name a kube-apiserver? " + tryYourself
	default:
		hint = tryYourself
	}
	return fmt.Sprintf("answers %d %s", status, http.StatusText(status)), hint
}

// missing has one problem for each version that failed, in their order.
func missing(server string, failed map[schema.GroupVersion]error) document.Problems {
	var all document.Problems
	for version, err := range failed {
		var status apierrors.APIStatus
		var stale discovery.StaleGroupVersionError
		why := live.Reason(err)
		switch {
		case errors.As(err, &stale):
			why = "its own server does not answer"
		case errors.As(err, &status):
			why, _ = refused(int(status.Status().Code), status.Status().Message)
		}
		all.Add(server, fmt.Sprintf("what it serves in %s is not known: %s", version, why), "see kubectl get apiservice "+version.Version+"."+version.Group)
	}
	slices.SortFunc(all, func(a, b document.Problem) int { return cmp.Compare(a.What, b.What) })
	return all
}
