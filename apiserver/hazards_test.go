// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import "testing"

const (
	noPolicy   = ": no event is recorded, since there is no audit policy | set --audit-policy-file"
	stopsIn124 = " is gone in 1.24, which will not start with it | set it to audit.k8s.io/v1"
	bounded    = " audit-policy-file=/p audit-log-path=/l audit-log-maxage=30 audit-log-maxbackup=10 audit-log-maxsize=100 "
	webhook    = " audit-policy-file=/p audit-webhook-config-file=/w "
)

var hazardCases = []lineCase{
	{"nothing", 37, "", nil},
	{"log with explicit limits", 18, bounded, nil},
	{"log with the defaults of 1.36", 36, "audit-policy-file=/p audit-log-path=/l", nil},
	{"webhook with all defaults", 37, webhook, nil},
	{"log without policy", 37, "audit-log-path=/l", []string{"--audit-log-path" + noPolicy}},
	{"both without policy", 37, "audit-log-path=- audit-webhook-config-file=/w audit-policy-file=",
		[]string{"--audit-log-path" + noPolicy, "--audit-webhook-config-file" + noPolicy}},
	{"policy alone", 37, "audit-policy-file=/p",
		[]string{"--audit-policy-file: no event is recorded, since there is nowhere to put it | set --audit-log-path or --audit-webhook-config-file"}},
	{"sinks have a policy of their own", 18, "audit-dynamic-configuration=true feature-gates=DynamicAuditing=true audit-policy-file=/p", nil},

	{"log with the defaults of 1.35", 35, "audit-policy-file=/p audit-log-path=/l",
		[]string{"--audit-log-maxbackup: is 0 by default and --audit-log-maxage is 0 by default: rotated files are kept until the disk is full" +
			" | set how many files of --audit-log-maxsize to keep, such as 10"}},
	{"kept for ever", 37, "audit-policy-file=/p audit-log-path=/l audit-log-maxage=0 audit-log-maxbackup=0",
		[]string{"--audit-log-maxbackup: is 0 and --audit-log-maxage is 0: rotated files are kept until the disk is full" +
			" | set how many files of --audit-log-maxsize to keep, such as 10"}},
	{"one limit is enough", 35, "audit-policy-file=/p audit-log-path=/l audit-log-maxage=30", nil},
	{"the other limit is enough", 35, "audit-policy-file=/p audit-log-path=/l audit-log-maxbackup=10", nil},
	{"maxsize 0 before 1.36", 35, bounded + "audit-log-maxsize=0", nil},
	{"maxsize 0 from 1.36", 36, bounded + "audit-log-maxsize=0",
		[]string{"--audit-log-maxsize: 0 turns rotation off since 1.36: the file grows until the disk is full, " +
			"and maxage, maxbackup and compress do nothing | set a size in MiB, such as 100"}},
	{"standard output does not grow", 37, "audit-policy-file=/p audit-log-path=- audit-log-maxsize=0 audit-log-maxage=0 audit-log-maxbackup=0", nil},

	{"spin", 37, bounded + "audit-log-mode=batch audit-log-batch-max-size=2",
		[]string{"--audit-log-batch-max-wait: is 0s by default with --audit-log-batch-max-size 2: kube-apiserver keeps one core busy with waiting" +
			" | set a wait above 0, such as 1s"}},
	{"spin of the webhook", 37, webhook + "audit-webhook-batch-max-wait=-1s",
		[]string{"--audit-webhook-batch-max-wait: is -1s with --audit-webhook-batch-max-size 400: kube-apiserver keeps one core busy with waiting" +
			" | set a wait above 0, such as 1s"}},
	{"no spin with a wait", 37, bounded + "audit-log-mode=batch audit-log-batch-max-size=2 audit-log-batch-max-wait=1ms", nil},
	{"no spin with batches of one", 37, bounded + "audit-log-mode=batch", nil},
	{"no spin outside mode batch", 37, bounded + "audit-log-batch-max-size=2", nil},
	{"no spin when off", 37, bounded + "audit-webhook-batch-max-wait=0s", nil},

	{"deprecated", 37, webhook + "audit_webhook_batch_initial_backoff=5s audit-webhook-batch-initial-backoff=6s",
		[]string{"--audit-webhook-batch-initial-backoff: has been deprecated since 1.10 | use --audit-webhook-initial-backoff instead"}},
	{"old API version", 23, bounded + "audit-log-version=audit.k8s.io/v1beta1",
		[]string{"--audit-log-version: audit.k8s.io/v1beta1" + stopsIn124}},
	{"old API version of the webhook", 20, webhook + "audit-webhook-version=audit.k8s.io/v1alpha1",
		[]string{"--audit-webhook-version: audit.k8s.io/v1alpha1" + stopsIn124}},

	// What Validate reports is not repeated here.
	{"old API version that no longer starts", 24, bounded + "audit-log-version=audit.k8s.io/v1beta1", nil},
	{"unreadable", 37, bounded + "audit-log-maxsize=x audit-log-maxage=0 audit-log-maxbackup=0 audit-log-mode=batch audit-log-batch-max-size=x", nil},
	{"unreadable wait", 37, bounded + "audit-log-mode=batch audit-log-batch-max-size=2 audit-log-batch-max-wait=x", nil},
	{"unreadable limits", 37, bounded + "audit-log-maxage=x audit-log-maxbackup=0", nil},
	{"unknown", 37, bounded + "audit-log-max-age=1 audit-dynamic-configuration=true", nil},
}

func TestHazards(t *testing.T) {
	t.Parallel()
	for _, c := range hazardCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			check(t, Hazards(minor(c.minor), settings(c.line)), c.want)
		})
	}
}
