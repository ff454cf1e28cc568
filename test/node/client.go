// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// URL is where the API server answers.
const URL = "https://" + Address + ":6443"

// Get is [Node.Do] for a GET.
func (n *Node) Get(ctx context.Context, path, auditID string) (status int, body []byte, err error) {
	return n.Do(ctx, http.MethodGet, path, auditID, nil)
}

// Do sends a request to the API server as system:masters. A path has its query
// with it. A non-empty auditID becomes the ID of the request's events; a non-nil
// body is JSON.
func (n *Node) Do(ctx context.Context, method, path, auditID string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, URL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if auditID != "" {
		req.Header.Set("Audit-ID", auditID)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// Ready asks the API server whether it is ready, and for the namespace that its
// mirror pod goes to, which it makes some time after it calls itself ready.
func (n *Node) Ready(ctx context.Context) error {
	for _, path := range []string{"/readyz", "/api/v1/namespaces/kube-system"} {
		if err := answersOK(ctx, n.client, URL+path); err != nil {
			return err
		}
	}
	return nil
}

// answersOK fails unless a GET of url answers 200 within a second.
func answersOK(ctx context.Context, client *http.Client, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d\n%s", url, resp.StatusCode, body)
	}
	return err
}

// MirrorPod returns the API server's own pod as the API shows it. Its annotation
// kubernetes.io/config.hash tells which manifest the kubelet last took up.
func (n *Node) MirrorPod(ctx context.Context) (*corev1.Pod, error) {
	path := "/api/v1/namespaces/kube-system/pods/kube-apiserver-" + HostName
	status, body, err := n.Get(ctx, path, "")
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%s: %d\n%s", path, status, body)
	}
	var pod corev1.Pod
	return &pod, json.Unmarshal(body, &pod)
}
