// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"context"
	"errors"
	"io/fs"
	stdmaps "maps"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/render"
)

// Where kubeadm keeps its configuration (kubernetes
// cmd/kubeadm/app/constants/constants.go).
const (
	namespace = "kube-system"
	name      = "kubeadm-config"
	mapKey    = "ClusterConfiguration"
	mapName   = namespace + "/" + name
)

// patience bounds one request, attempts how often one is made anew, and pause is
// the time in between: long enough for an API server behind a load balancer to
// be found missing.
const (
	patience = 10 * time.Second
	attempts = 20
	pause    = 250 * time.Millisecond
)

// ConfigMaps is the ConfigMaps of the namespace kube-system, as far as they are
// needed. client-go's ConfigMapInterface is one.
type ConfigMaps interface {
	Get(ctx context.Context, name string, options metav1.GetOptions) (*corev1.ConfigMap, error)
	// Update has to fail with a conflict when the object's resourceVersion is no
	// longer the one of the cluster.
	Update(ctx context.Context, configMap *corev1.ConfigMap, options metav1.UpdateOptions) (*corev1.ConfigMap, error)
}

// Connect gives the ConfigMaps of the cluster that kubeconfigs lead to, such as
// /etc/kubernetes/admin.conf: what one of them may not do, the next is asked to,
// since administrators may be bound to read and not to write. Those that are not
// there are passed over, and so are those that are of no use, if another one is.
// Nothing is asked yet.
func Connect(kubeconfigs ...string) (ConfigMaps, error) {
	var all several
	var first error
	for _, file := range kubeconfigs {
		client, err := connect(file)
		switch {
		case err == nil:
			all = append(all, client.ConfigMaps(namespace))
		case errors.Is(err, fs.ErrNotExist) && len(kubeconfigs) > 1: // super-admin.conf is of 1.29 on
		case first == nil:
			first = document.Problem{File: file, What: "cannot be used to ask the cluster: " + err.Error(), Hint: "run the command as root on a control plane node"}
		}
	}
	switch {
	case len(all) > 0:
		return all, nil
	case first == nil:
		first = document.Problem{What: "there is no kubeconfig of an administrator here, such as the admin.conf of kubeadm", Hint: "run the command as root on a control plane node"}
	}
	return nil, first
}

// several are the same ConfigMaps, as seen with the credentials of several.
type several []ConfigMaps

// Get asks on whatever the reason of a refusal but that there is none.
func (s several) Get(ctx context.Context, name string, options metav1.GetOptions) (*corev1.ConfigMap, error) {
	var first error
	for _, one := range s {
		found, err := one.Get(ctx, name, options)
		if err == nil || apierrors.IsNotFound(err) {
			return found, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// Update goes on only where it was not allowed: what failed otherwise may have
// been done.
func (s several) Update(ctx context.Context, configMap *corev1.ConfigMap, options metav1.UpdateOptions) (*corev1.ConfigMap, error) {
	var first error
	for _, one := range s {
		made, err := one.Update(ctx, configMap, options)
		if !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err) {
			return made, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func connect(kubeconfig string) (*corev1client.CoreV1Client, error) {
	// read first: for a name that is empty, clientcmd would look elsewhere
	data, err := os.ReadFile(kubeconfig)
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(data)
	if err != nil {
		return nil, err
	}
	config.Timeout, config.UserAgent = patience, "auditsetup"
	config.WarningHandler = rest.NoWarnings{} // they would go to stderr
	return corev1client.NewForConfig(config)
}

// Record is a change of the ConfigMap that was made, or is to be: kubeadm's
// ClusterConfiguration before and after. It has no secrets in it; kubeadm keeps
// none there.
type Record struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// Then is the record of this change and the one after it as one. Both may be nil.
func (r *Record) Then(next *Record) *Record {
	switch {
	case r == nil:
		return next
	case next == nil:
		return r
	}
	return &Record{r.Before, next.After}
}

// Apply makes the change of the ConfigMap, and gives the record of what was
// really changed, for [Undo]; nil when there is nothing to change. What somebody
// else changes at the same time stays as they have it: only the audit keys are
// put in, each time into what is there by then. When they changed the audit keys
// too, nothing is written and the error says so.
func Apply(ctx context.Context, maps ConfigMaps, c *Change) (*Record, error) {
	if c == nil || c.Cluster == nil {
		return nil, nil
	}
	return become(ctx, maps, c.Cluster.Before, c.Cluster.After)
}

// Undo takes back what Apply did: byte by byte if nobody changed anything since,
// and else the audit keys alone, which are then as they were before.
func Undo(ctx context.Context, maps ConfigMaps, r *Record) error {
	if r == nil {
		return nil
	}
	_, err := become(ctx, maps, r.After, r.Before)
	return err
}

// become brings the audit keys from what they are in one text to what they are
// in another.
func become(ctx context.Context, maps ConfigMaps, from, to string) (*Record, error) {
	var err error
	for range attempts {
		var configMap *corev1.ConfigMap
		var now, next string
		if configMap, now, err = get(ctx, maps); err == nil {
			if next, err = turned(now, from, to); err != nil {
				return nil, err
			}
			if next == now {
				return nil, nil
			}
			if err = put(ctx, maps, configMap, next); err == nil {
				return &Record{now, next}, nil
			}
		}
		if !passing(err) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, problem("the update was given up: "+context.Cause(ctx).Error(), retryHint, err)
		case <-time.After(pause):
		}
	}
	return nil, err
}

// turned is the text that has to be there, given what is.
func turned(now, from, to string) (string, error) {
	if now == from || now == to {
		return to, nil
	}
	parts := [3]*render.Kubeadm{}
	for i, text := range []string{now, from, to} {
		var err error
		if parts[i], err = render.KubeadmOf(mapFile, []byte(text)); err != nil {
			return "", err
		}
	}
	switch {
	case equal(parts[0], parts[2]):
		return now, nil
	case !equal(parts[0], parts[1]):
		return "", document.Problems{{File: mapFile, What: "its audit arguments were changed by somebody else meanwhile, and stay as they are",
			Hint: "see kubectl -n " + namespace + " get configmap " + name + " -o yaml, and try again"}}
	}
	text, _, err := parts[2].Into(mapFile, []byte(now))
	return string(text), err
}

// equal compares the audit part of two configurations, in whatever order.
func equal(a, b *render.Kubeadm) bool {
	return stdmaps.Equal(flagsOf(a), flagsOf(b)) && stdmaps.Equal(mountsOf(a), mountsOf(b))
}

func flagsOf(k *render.Kubeadm) map[string]string {
	all := map[string]string{}
	for _, f := range k.Flags {
		all[f.Name] = f.Value
	}
	return all
}

func mountsOf(k *render.Kubeadm) map[manifest.Mount]bool {
	all := map[manifest.Mount]bool{}
	for _, w := range k.Mounts {
		all[w] = true
	}
	return all
}

const retryHint = "try again, or put it there with auditsetup patch --format kubeadm-config --into FILE"

// requestError is a request that failed: the problem to show, and what client-go
// said.
type requestError struct {
	document.Problem
	cause error
}

func (e requestError) Unwrap() error { return e.cause }

// As gives the problem to [document.ProblemsOf].
func (e requestError) As(target any) bool {
	p, ok := target.(*document.Problem)
	if ok {
		*p = e.Problem
	}
	return ok
}

func problem(what, hint string, cause error) error {
	return requestError{document.Problem{File: "ConfigMap " + mapName, What: what, Hint: hint}, cause}
}

func get(ctx context.Context, maps ConfigMaps) (*corev1.ConfigMap, string, error) {
	configMap, err := maps.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, "", problem("is not there, so the cluster was not made by kubeadm, or is managed by something else", "choose --persist "+string(None), err)
	case err != nil:
		return nil, "", problem("cannot be read: "+err.Error(), retryHint, err)
	}
	text, there := configMap.Data[mapKey]
	if !there {
		return nil, "", problem("has no "+mapKey+" in it", "choose --persist "+string(None), nil)
	}
	return configMap, text, nil
}

// put writes the text; it fails when the ConfigMap is no longer the one that was
// read.
func put(ctx context.Context, maps ConfigMaps, configMap *corev1.ConfigMap, text string) error {
	configMap = configMap.DeepCopy()
	configMap.Data[mapKey] = text
	if _, err := maps.Update(ctx, configMap, metav1.UpdateOptions{}); err != nil {
		return problem("cannot be changed: "+err.Error(), retryHint, err)
	}
	return nil
}

// Configuration is the ClusterConfiguration that the ConfigMap holds now.
func Configuration(ctx context.Context, maps ConfigMaps) (string, error) {
	_, text, err := get(ctx, maps)
	return text, err
}

// isMissing tells whether there is no such ConfigMap.
func isMissing(err error) bool { return err != nil && apierrors.IsNotFound(causeOf(err)) }

// passing tells whether the same request may do in a moment: somebody else was
// faster, or an API server is on its way up or down.
func passing(err error) bool {
	err = causeOf(err)
	return apierrors.IsConflict(err) || apierrors.IsServerTimeout(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err) ||
		apierrors.IsTimeout(err) || utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsProbableEOF(err) || utilnet.IsTimeout(err)
}

func causeOf(err error) error {
	var failed requestError
	if errors.As(err, &failed) {
		return failed.cause
	}
	return err
}
