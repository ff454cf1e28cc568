// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package proof finds out whether a running kube-apiserver records what its
// policy says: it causes a request that the policy must have recorded, under an
// ID of its own, and reads that request's event back from the log file, or sees
// the receiver of a webhook take a batch after it.
package proof

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/live"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/policy"
)

const (
	// margin is how long an event may take beyond the wait of a batch.
	margin = 15 * time.Second
	// pace is the time between two looks.
	pace = 200 * time.Millisecond
	// defaultWait is that of --audit-webhook-batch-max-wait and the log's
	// (k8s.io/apiserver pkg/server/options/audit.go).
	defaultWait = 30 * time.Second
)

// Setup is what a manifest says of its audit. Make one with [Of].
type Setup struct {
	// PolicyFile is on the host, as are the others; each is empty when the
	// manifest has none.
	PolicyFile, LogFile, WebhookConfig string

	logWait, webhookWait time.Duration
}

// Of reads a manifest.
func Of(m *manifest.Manifest) Setup {
	flags := map[string]string{}
	for _, s := range m.AuditSettings() {
		flags[s.Name] = s.Value
	}
	file := func(flag string) string {
		host, _ := m.HostPath(flags[flag])
		return host
	}
	wait := func(backend, mode string) time.Duration {
		if given := flags["audit-"+backend+"-mode"]; given != "" {
			mode = given
		}
		d, err := time.ParseDuration(flags["audit-"+backend+"-batch-max-wait"])
		switch {
		case mode != "batch":
			return 0
		case err != nil:
			return defaultWait
		}
		return d
	}
	return Setup{
		PolicyFile: file("audit-policy-file"), LogFile: file("audit-log-path"), WebhookConfig: file("audit-webhook-config-file"),
		logWait: wait("log", "blocking"), webhookWait: wait("webhook", "batch"),
	}
}

// On says whether the manifest has anything recorded.
func (s Setup) On() bool { return s.PolicyFile != "" && (s.LogFile != "" || s.WebhookConfig != "") }

// Event is what was read back.
type Event struct {
	AuditID    string `json:"auditID"`
	Level      string `json:"level"`
	Stage      string `json:"stage"`
	Verb       string `json:"verb"`
	RequestURI string `json:"requestURI"`
	User       struct {
		Username string `json:"username"`
	} `json:"user"`
	ResponseStatus *struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	// Line is the whole line of the log.
	Line []byte `json:"-"`
}

// Result is what was proven.
type Result struct {
	// Silent says that the policy records nothing that could be caused without
	// harm, so that nothing is proven.
	Silent bool
	// Event was read back from the log; nil without a log.
	Event *Event
	// Delivered is how many batches the receiver of the webhook has taken since
	// the proof began, -1 where the kube-apiserver does not tell.
	Delivered int
}

// Prove causes a request and finds its event. It fails when ctx ends, and when
// the event, or a batch at the receiver, is not seen in the time that it may
// take.
func (s Setup) Prove(ctx context.Context, client *live.Client) (Result, error) {
	data, err := os.ReadFile(s.PolicyFile)
	if err != nil {
		return Result{}, err
	}
	p, err := policy.Read(s.PolicyFile, data, apiserver.Version{})
	if err != nil {
		return Result{}, err
	}
	c, ok := Choose(p, client.Identities(), freshID())
	if !ok {
		return Result{Silent: true}, nil
	}
	var r Result
	if s.LogFile != "" {
		if r.Event, err = s.inLog(ctx, client, c); err != nil {
			return r, err
		}
	}
	if s.WebhookConfig != "" {
		r.Delivered, err = s.atReceiver(ctx, client, c)
	}
	return r, err
}

// freshID is a name that nobody else uses.
func freshID() string {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails
	return "auditsetup-" + hex.EncodeToString(random)
}

// inLog sends the request and reads its event back.
func (s Setup) inLog(ctx context.Context, client *live.Client, c Candidate) (*Event, error) {
	log, err := Follow(s.LogFile)
	if err != nil {
		return nil, document.Problem{File: s.LogFile, What: "cannot be read: " + err.Error()}
	}
	defer log.Close()
	c.Request.AuditID = freshID()
	answer, err := client.Do(ctx, c.Identity, c.Request)
	if err != nil {
		return nil, document.Problem{What: "the marked request failed: " + err.Error()}
	}
	limit := s.logWait + margin
	ctx, cancel := context.WithTimeoutCause(ctx, limit, document.Problem{File: s.LogFile,
		What: fmt.Sprintf("no event of a request that the policy has recorded came within %s (%s %s, answered %d)", limit, c.Request.Method, c.Request.Path, answer.Status)})
	defer cancel()
	for {
		event, err := find(log, c.Request.AuditID)
		if event != nil || err != nil {
			return event, err
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

// find reads on until an event of that ID comes. Of the two of a short request
// the first will do.
func find(log *Follower, id string) (*Event, error) {
	var event *Event
	err := log.Read(func(line []byte) bool {
		if !bytes.Contains(line, []byte(id)) {
			return false
		}
		var e Event
		if json.Unmarshal(line, &e) != nil { // --audit-log-format=legacy
			e = Event{AuditID: id}
		}
		if e.AuditID != id {
			return false // the ID of another request's event, for it is in our path
		}
		e.Line = bytes.Clone(line)
		event = &e
		return true
	})
	return event, err
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(pace):
		return nil
	}
}

// atReceiver sends the request and waits for the receiver to take a batch, as
// the kube-apiserver counts it.
func (s Setup) atReceiver(ctx context.Context, client *live.Client, c Candidate) (int, error) {
	host, err := receiver(s.WebhookConfig)
	if err != nil {
		return 0, err
	}
	before, err := count(ctx, client, host)
	if errors.Is(err, errNotTold) {
		return -1, nil
	}
	if err != nil {
		return 0, err
	}
	c.Request.AuditID = freshID()
	if _, err := client.Do(ctx, c.Identity, c.Request); err != nil {
		return 0, document.Problem{What: "the marked request failed: " + err.Error()}
	}
	limit := time.Now().Add(s.webhookWait + margin)
	for {
		now, err := count(ctx, client, host)
		switch {
		case ctx.Err() != nil:
			return 0, context.Cause(ctx)
		case err != nil:
			return 0, err
		}
		if n := now.delivered() - before.delivered(); n > 0 {
			return int(n), nil
		}
		if time.Now().After(limit) {
			return 0, notTaken(host, s.webhookWait+margin, now)
		}
		if err := pause(ctx); err != nil {
			return 0, err
		}
	}
}

func notTaken(host string, limit time.Duration, now counters) error {
	what := fmt.Sprintf("the webhook's receiver %s has taken no events within %s", host, limit)
	if r := now.refusals(); r != "" {
		what += ": " + r
	} else {
		what += ", and has answered nothing yet"
	}
	return document.Problem{What: what, Hint: "see that it can be reached from the control plane and takes the certificate or the token that it is given"}
}

// errNotTold says that /metrics may not be read.
var errNotTold = errors.New("the kube-apiserver does not show its metrics to us")

func count(ctx context.Context, client *live.Client, host string) (counters, error) {
	answer, err := client.Get(ctx, "/metrics")
	if err != nil {
		return counters{}, err
	}
	if answer.Status != 200 {
		return counters{}, errNotTold
	}
	return parseCounters(string(answer.Body), host), nil
}

// receiver is the HOST:PORT of a webhook's kubeconfig, as the metrics name it.
func receiver(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server string `json:"server"`
			} `json:"cluster"`
		} `json:"clusters"`
	}
	if yaml.Unmarshal(data, &config) != nil || len(config.Clusters) == 0 {
		return "", document.Problem{File: file, What: "names no receiver"}
	}
	u, err := url.Parse(config.Clusters[0].Cluster.Server)
	if err != nil || u.Host == "" {
		return "", document.Problem{File: file, What: "names no receiver"}
	}
	return u.Host, nil
}
