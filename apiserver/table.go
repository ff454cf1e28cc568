// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

// table is every audit flag of 1.13 to 1.38.0-alpha.2, in the order of
// upstream's help text: the policy, the log, the webhook. Source of names,
// types and defaults: kubernetes/apiserver pkg/server/options/audit.go
// (NewAuditOptions and AddFlags), run for 56 releases.
//
// To add a minor:
//  1. Compare that file between the last known tag and the new one. Nothing
//     but its AddFlags functions makes audit flags.
//  2. A new flag gets a line with Since. A flag that went gets Until, the last
//     minor that has it, and Instead if another one took over. A new default
//     gets one more entry in changes, never an edit of initial: the old
//     minors keep theirs.
//  3. A rule that Validate gained or lost goes to rules.go, behind v.AtLeast.
//  4. Raise NewestMinor, add the minor to testdata/facts/audit-flags.json,
//     which the tests compare with, and raise k8s.io/apiserver in
//     test/oracle/go.mod.
//  5. Add its release to the list in test/resources/fetch.go and run the program
//     there, which writes resources.txt. A path without a resource that came or
//     went goes into resources_paths.go.
var table = []Flag{
	{Name: "audit-policy-file", Type: "string", Backend: "policy",
		Doc: "the audit policy; without it no event is recorded at all"},

	{Name: "audit-log-path", Type: "string", Backend: "log",
		Doc: "file that events are appended to, - for standard output; empty turns the log off"},
	{Name: "audit-log-maxage", Type: "int", Backend: "log", Unit: "days", initial: "0", changes: []change{{36, "366"}},
		Doc: "age at which rotated files are removed; 0 keeps them whatever their age"},
	{Name: "audit-log-maxbackup", Type: "int", Backend: "log", Unit: "files", initial: "0", changes: []change{{36, "100"}},
		Doc: "how many rotated files to keep; 0 keeps all"},
	{Name: "audit-log-maxsize", Type: "int", Backend: "log", Unit: "MiB", initial: "0", changes: []change{{36, "100"}},
		Doc: "size at which the file is rotated; 0 means 100 before 1.36 and never from 1.36 on"},
	{Name: "audit-log-compress", Type: "bool", Backend: "log", Since: 20, initial: "false",
		Doc: "gzip the rotated files"},
	{Name: "audit-log-format", Type: "string", Backend: "log", initial: "json", values: []string{"legacy", "json"},
		Doc: "json writes one object per line, legacy a short text line"},
	{Name: "audit-log-version", Type: "string", Backend: "log", initial: "audit.k8s.io/v1",
		Doc: "API version that events are written in"},
	{Name: "audit-log-mode", Type: "string", Backend: "log", initial: "blocking", values: modes,
		Doc: "whether a request waits for its event to be written, and fails with it"},
	{Name: "audit-log-batch-buffer-size", Type: "int", Backend: "log", BatchOnly: true, Unit: "events", initial: "10000",
		Doc: "events held in memory before new ones are dropped"},
	{Name: "audit-log-batch-max-size", Type: "int", Backend: "log", BatchOnly: true, Unit: "events", initial: "1",
		Doc: "events written at once"},
	{Name: "audit-log-batch-max-wait", Type: "duration", Backend: "log", BatchOnly: true, initial: "0s",
		Doc: "longest wait for a batch to fill; must be set with a batch size above 1, or a core spins"},
	{Name: "audit-log-batch-throttle-enable", Type: "bool", Backend: "log", BatchOnly: true, initial: "false",
		Doc: "limit the rate of batches; needs qps and burst, which default to 0"},
	{Name: "audit-log-batch-throttle-qps", Type: "float32", Backend: "log", BatchOnly: true, Unit: "batches/s", initial: "0",
		Doc: "batches written per second on average"},
	{Name: "audit-log-batch-throttle-burst", Type: "int", Backend: "log", BatchOnly: true, Unit: "batches", initial: "0",
		Doc: "batches written back to back after a quiet time"},
	{Name: "audit-log-truncate-enabled", Type: "bool", Backend: "log", initial: "false",
		Doc: "strip request and response from events that are too large"},
	{Name: "audit-log-truncate-max-batch-size", Type: "int64", Backend: "log", Unit: "bytes", initial: "10485760",
		Doc: "size at which a batch is split; at least the size of an event, even with truncation off"},
	{Name: "audit-log-truncate-max-event-size", Type: "int64", Backend: "log", Unit: "bytes", initial: "102400",
		Doc: "size above which an event is stripped, and dropped if still too large"},

	{Name: "audit-webhook-config-file", Type: "string", Backend: "webhook",
		Doc: "kubeconfig of the receiver; empty turns the webhook off"},
	{Name: "audit-webhook-initial-backoff", Type: "duration", Backend: "webhook", Replaces: "audit-webhook-batch-initial-backoff", initial: "10s",
		Doc: "wait before a failed batch is sent again; grows by half with each try"},
	{Name: "audit-webhook-batch-initial-backoff", Type: "duration", Backend: "webhook", Deprecated: 10, Instead: "audit-webhook-initial-backoff", initial: "10s",
		Doc: "older name of audit-webhook-initial-backoff; the last of the two on the command line counts"},
	{Name: "audit-webhook-version", Type: "string", Backend: "webhook", initial: "audit.k8s.io/v1",
		Doc: "API version that events are sent in"},
	{Name: "audit-webhook-mode", Type: "string", Backend: "webhook", initial: "batch", values: modes,
		Doc: "whether a request waits for its event to be sent, and fails with it"},
	{Name: "audit-webhook-batch-buffer-size", Type: "int", Backend: "webhook", BatchOnly: true, Unit: "events", initial: "10000",
		Doc: "events held in memory before new ones are dropped"},
	{Name: "audit-webhook-batch-max-size", Type: "int", Backend: "webhook", BatchOnly: true, Unit: "events", initial: "400",
		Doc: "events sent in one POST"},
	{Name: "audit-webhook-batch-max-wait", Type: "duration", Backend: "webhook", BatchOnly: true, initial: "30s",
		Doc: "longest wait for a batch to fill"},
	{Name: "audit-webhook-batch-throttle-enable", Type: "bool", Backend: "webhook", BatchOnly: true, initial: "true",
		Doc: "limit the rate of batches"},
	{Name: "audit-webhook-batch-throttle-qps", Type: "float32", Backend: "webhook", BatchOnly: true, Unit: "batches/s", initial: "10",
		Doc: "batches sent per second on average"},
	{Name: "audit-webhook-batch-throttle-burst", Type: "int", Backend: "webhook", BatchOnly: true, Unit: "batches", initial: "15",
		Doc: "batches sent back to back after a quiet time"},
	{Name: "audit-webhook-truncate-enabled", Type: "bool", Backend: "webhook", initial: "false",
		Doc: "strip request and response from events that are too large"},
	{Name: "audit-webhook-truncate-max-batch-size", Type: "int64", Backend: "webhook", Unit: "bytes", initial: "10485760",
		Doc: "size at which a batch is split; at least the size of an event, even with truncation off"},
	{Name: "audit-webhook-truncate-max-event-size", Type: "int64", Backend: "webhook", Unit: "bytes", initial: "102400",
		Doc: "size above which an event is stripped, and dropped if still too large"},

	{Name: "audit-dynamic-configuration", Type: "bool", Backend: "dynamic", Since: 13, Until: 18, Instead: "audit-webhook-config-file", initial: "false",
		Doc: "take webhooks from AuditSink objects; needs the feature gate DynamicAuditing"},
}

// modes are the ways to hand an event over, known to both backends since 1.13.
var modes = []string{"batch", "blocking", "blocking-strict"}
