// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/auditsetup/auditsetup/mix"
)

// alike is how many there are of each object that is updated. An update needs the
// version that the last one left, and so waits for it.
const alike = 8

// variant is the name of one of those that are alike, all of the same length.
func variant(name string, i int) string {
	if i == 0 {
		return name
	}
	return name[:len(name)-1] + string("hjknpqtz"[i])
}

func (w *World) makeKinds(ctx context.Context) error {
	for _, c := range mix.Classes() {
		send, err := w.sending(ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		w.kinds = append(w.kinds, kind{name: c.Name, share: c.Share, long: c.Kind == mix.LongRunning, send: send, want: wanted(c)})
	}
	return nil
}

type sending func(ctx context.Context, number int, id string) (int, error)

// sending says how requests of a class are sent.
func (w *World) sending(ctx context.Context, c mix.Class) (sending, error) {
	if c.User == "system:node:n1" && (c.Resource == "leases" || c.Resource == "nodes") {
		return w.byNodes(ctx, c)
	}
	s, err := w.as(ctx, c)
	if err != nil {
		return nil, err
	}
	if c.Verb == "update" {
		return w.updating(ctx, c, s, func(i int) string { return variant(c.Object, i) }, alike)
	}
	return w.plain(c, s), nil
}

// byNodes has each node ask for its own.
func (w *World) byNodes(ctx context.Context, c mix.Class) (sending, error) {
	var each []sending
	for i := range nodeCount {
		of := c
		name := fmt.Sprintf("n%d", i)
		of.User, of.Object = "system:node:"+name, name
		s, err := w.as(ctx, of)
		if err != nil {
			return nil, err
		}
		send := w.plain(of, s)
		if c.Verb == "update" {
			if send, err = w.updating(ctx, of, s, func(int) string { return name }, 1); err != nil {
				return nil, err
			}
		}
		each = append(each, send)
	}
	return func(ctx context.Context, number int, id string) (int, error) {
		return each[number%len(each)](ctx, number/len(each), id)
	}, nil
}

// updating takes turns with objects that are alike.
func (w *World) updating(ctx context.Context, c mix.Class, s *sender, name func(int) string, count int) (sending, error) {
	free := make(chan *kept, count)
	for i := range count {
		of := c
		of.Object = name(i)
		k := &kept{path: pathOf(of), read: pathOf(mix.Class{Path: c.Path, Group: c.Group, Version: c.Version, Resource: c.Resource, Namespace: c.Namespace, Object: of.Object})}
		if err := k.get(ctx, w.admin); err != nil {
			return nil, err
		}
		free <- k
	}
	return func(ctx context.Context, number int, id string) (int, error) {
		select {
		case k := <-free:
			defer func() { free <- k }()
			return k.update(ctx, s, w.admin, number, id)
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}, nil
}

// kept is an object as it was last seen.
type kept struct {
	path, read string
	text       []byte
	// version is what text has.
	version string
	count   int
}

func (k *kept) get(ctx context.Context, admin *sender) error {
	answer, err := admin.must(ctx, call{method: http.MethodGet, path: k.read})
	k.text, k.version = answer, valueOf(answer, "resourceVersion")
	return err
}

// update writes another time into the object, for something to change.
func (k *kept) update(ctx context.Context, s, admin *sender, number int, id string) (int, error) {
	k.count++
	at := fmt.Sprintf("T%02d:%02d:%02d", 9+k.count/3600%12, k.count/60%60, k.count%60)
	body := bytes.ReplaceAll(k.text, []byte(moment[10:19]), []byte(at))
	status, answer, err := s.send(ctx, call{method: http.MethodPut, path: k.path, body: body}, id)
	if err != nil || status != http.StatusOK {
		if ctx.Err() == nil {
			err = errors.Join(err, k.get(ctx, admin)) // as somebody else has written it
		}
		return status, err
	}
	version := valueOf(answer, "resourceVersion")
	k.text = bytes.Replace(k.text, []byte(`"resourceVersion":"`+k.version+`"`), []byte(`"resourceVersion":"`+version+`"`), 1)
	k.version = version
	return status, nil
}

// pathOf is what a class asks for, without a query.
func pathOf(c mix.Class) string {
	if c.Path != "" {
		return c.Path
	}
	path := "/api/" + c.Version
	if c.Group != "" {
		path = "/apis/" + c.Group + "/" + c.Version
	}
	if c.Namespace != "" {
		path += "/namespaces/" + c.Namespace
	}
	path += "/" + c.Resource
	if c.Object != "" && c.Verb != "watch" {
		path += "/" + c.Object
	}
	if c.Subresource != "" {
		path += "/" + c.Subresource
	}
	return path
}

// plain sends what is the same each time, but for the name of a pod to delete.
func (w *World) plain(c mix.Class, s *sender) sending {
	r := call{path: pathOf(c), method: map[string]string{"create": http.MethodPost, "patch": http.MethodPatch, "delete": http.MethodDelete}[c.Verb]}
	if r.method == "" {
		r.method = http.MethodGet
	}
	switch c.Verb {
	case "list":
		r.path += listing(c)
	case "watch":
		r.path += "?allowWatchBookmarks=true&resourceVersion=0&timeout=1s&timeoutSeconds=1&watch=true"
		if c.Object != "" {
			r.path += "&fieldSelector=metadata.name%3D" + c.Object
		}
	case "create":
		r.body = w.creation(c)
	case "patch":
		r = w.patching(c, r)
	case "delete":
		r.body = text(object{"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0})
	}
	if c.User == "kubernetes-admin" && c.Verb == "list" {
		r.accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
	}
	return func(ctx context.Context, _ int, id string) (int, error) {
		r := r
		if c.Verb == "delete" {
			name, err := w.spare(ctx)
			if err != nil {
				return 0, err
			}
			r.path = strings.TrimSuffix(r.path, c.Object) + name
		}
		status, answer, err := s.send(ctx, r, id)
		if c.Verb == "create" && c.Resource == "pods" && status == http.StatusCreated {
			w.pods <- valueOf(answer, "name")
		}
		return status, err
	}
}

// spare is a pod to delete. One is made where there is none.
func (w *World) spare(ctx context.Context) (string, error) {
	select {
	case name := <-w.pods:
		return name, nil
	default:
	}
	answer, err := w.admin.must(ctx, call{method: http.MethodPost, path: inNamespace("/api/v1", "shop", "pods"), body: text(pod("web-5d9f6c7b8-", "", nil))})
	return valueOf(answer, "name"), err
}

func listing(c mix.Class) string {
	switch c.Name {
	case "pods listed by label":
		return "?labelSelector=app.kubernetes.io%2Fname%3Dweb%2Cslot%3D1"
	case "all pods listed", "nodes listed":
		return "?limit=500&resourceVersion=0"
	case "list by a person":
		return "?limit=500"
	}
	return ""
}

// creation is the body of a create.
func (w *World) creation(c mix.Class) []byte {
	switch c.Resource {
	case "pods":
		return text(pod("web-5d9f6c7b8-", "", nil))
	case "serviceaccounts":
		return text(tokenRequest(w.podUID))
	case "tokenreviews":
		return text(tokenReview())
	case "subjectaccessreviews":
		return text(accessReview())
	}
	if strings.HasPrefix(c.User, "system:node:") {
		return text(event("kubelet"))
	}
	return text(event("replicaset-controller"))
}

func (w *World) patching(c mix.Class, r call) call {
	r.contentType = "application/strategic-merge-patch+json"
	switch c.Resource {
	case "nodes":
		r.body = text(heartbeat())
	case "pods":
		r.body = text(podStatus(w.podUID))
	case "deployments":
		r.body = text(deployment(c.Object))
	case "clusterroles":
		r.body = text(clusterRole())
	}
	if c.Resource == "deployments" || c.Resource == "clusterroles" {
		r.contentType = "application/apply-patch+yaml"
		r.path += "?fieldManager=argocd-controller&force=true"
	}
	return r
}

// Warm has every class asked once, again and again until all get the answer that
// they should, as after a start of the server: some is made then only once it is
// asked for.
func (w *World) Warm(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := each(len(w.kinds), func(i int) error {
			status, err := w.kinds[i].send(ctx, 0, "")
			if err == nil && !w.kinds[i].long && !w.kinds[i].expects(status) {
				err = fmt.Errorf("status %d", status)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", w.kinds[i].name, err)
			}
			return nil
		})
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(time.Second)
	}
}
