// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/auditsetup/auditsetup/doctor"
)

// sample is a line of /metrics that speaks of audit, with its one label if it
// has one.
var sample = regexp.MustCompile(`^(apiserver_audit_[a-z_]+)(?:\{[a-z]+="([^"]*)"\})? ([0-9.e+]+)\s*$`)

// post is a line of /metrics about requests that were sent (k8s.io/component-base
// metrics/prometheus/restclient/metrics.go).
var post = regexp.MustCompile(`^rest_client_requests_total\{code="([^"]*)",host="([^"]*)",method="POST"\} ([0-9.e+]+)\s*$`)

// parseMetrics reads what a kube-apiserver counts of its audit events; nil when
// it has none of it (k8s.io/apiserver pkg/audit/metrics.go).
func parseMetrics(text string) *doctor.Metrics {
	m := &doctor.Metrics{Lost: map[string]float64{}, Posts: map[string]map[string]float64{}}
	found := false
	for line := range strings.Lines(text) {
		if parts := post.FindStringSubmatch(line); parts != nil {
			addPost(m.Posts, parts[2], parts[1], parts[3])
		}
		if !strings.HasPrefix(line, "apiserver_audit_") {
			continue
		}
		parts := sample.FindStringSubmatch(line)
		if parts == nil {
			continue
		}
		value, err := strconv.ParseFloat(parts[3], 64)
		if err != nil {
			continue
		}
		found = true
		switch parts[1] {
		case "apiserver_audit_event_total":
			m.Events += value
		case "apiserver_audit_level_total":
			m.Requests += value
		case "apiserver_audit_error_total":
			m.Lost[parts[2]] += value
		case "apiserver_audit_requests_rejected_total":
			m.Rejected += value
		}
	}
	if !found {
		return nil
	}
	return m
}

func addPost(posts map[string]map[string]float64, host, code, count string) {
	n, err := strconv.ParseFloat(count, 64)
	if err != nil {
		return
	}
	if posts[host] == nil {
		posts[host] = map[string]float64{}
	}
	posts[host][code] += n
}
