// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// counters are what a kube-apiserver counts of its audit events
// (k8s.io/apiserver pkg/audit/metrics.go) and of the requests that it sends to
// one host (k8s.io/component-base metrics/prometheus/restclient).
type counters struct {
	// events that were made, whether or not they arrived.
	events float64
	// lost are events by the part that lost them: buffered, webhook, log, truncate.
	lost map[string]float64
	// sent are the POST requests to the host by the status of their answer.
	sent map[string]float64
}

// parseCounters reads the text of /metrics.
func parseCounters(text, host string) counters {
	c := counters{lost: map[string]float64{}, sent: map[string]float64{}}
	for line := range strings.Lines(text) {
		name, labels, value, ok := parseSample(line)
		switch {
		case !ok:
		case name == "apiserver_audit_event_total":
			c.events += value
		case name == "apiserver_audit_error_total":
			c.lost[labels["plugin"]] += value
		case name == "rest_client_requests_total" && labels["method"] == "POST" && labels["host"] == host:
			c.sent[labels["code"]] += value
		}
	}
	return c
}

// parseSample takes a line NAME{LABEL="VALUE",...} NUMBER apart.
func parseSample(line string) (name string, labels map[string]string, value float64, ok bool) {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "apiserver_audit_") && !strings.HasPrefix(line, "rest_client_requests_total") {
		return "", nil, 0, false
	}
	at := strings.LastIndexByte(line, ' ')
	if at < 0 {
		return "", nil, 0, false
	}
	value, err := strconv.ParseFloat(line[at+1:], 64)
	if err != nil {
		return "", nil, 0, false
	}
	name, rest, _ := strings.Cut(strings.TrimSpace(line[:at]), "{")
	labels = map[string]string{}
	for rest != "" && rest != "}" {
		label, quoted, found := strings.Cut(rest, "=")
		prefix, err := strconv.QuotedPrefix(quoted)
		if !found || err != nil {
			return "", nil, 0, false
		}
		labels[label], _ = strconv.Unquote(prefix)
		rest = strings.TrimPrefix(quoted[len(prefix):], ",")
	}
	return name, labels, value, true
}

// delivered is how many requests the host took.
func (c counters) delivered() float64 { return c.sent["200"] + c.sent["201"] + c.sent["204"] }

// refusals say what else came back, in words such as `3 times 500`; "" when
// nothing did, be it that the first request still waits.
func (c counters) refusals() string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(c.sent)) {
		if code == "200" || code == "201" || code == "204" {
			continue
		}
		what := code
		if code == "<error>" { // k8s.io/client-go rest/request.go: no answer at all
			what = "no answer"
		}
		parts = append(parts, strconv.FormatFloat(c.sent[code], 'f', -1, 64)+" times "+what)
	}
	return strings.Join(parts, ", ")
}
