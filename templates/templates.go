// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package templates holds the files that auditsetup writes for others, embedded
// in the binary. It knows nothing of what they mean: the package that owns a
// kind of file renders it. It is a package of its own because an embed pattern
// cannot leave the folder that it stands in.
package templates

import "embed"

// Policies holds policies/NAME.yaml, the audit policy of the profile NAME, as a
// text/template whose dot is the apiserver.Version that the policy is for.
// Package profiles renders it.
//
//go:embed policies/*.yaml
var Policies embed.FS

// SampleManifest is kube-apiserver.yaml as kubeadm v1.37.1 wrote it, for trying
// things out. It is the same as testdata/kubeadm/v1.37.1, which a test in
// test/real has the real kubeadm write again.
//
//go:embed sample/kube-apiserver.yaml
var SampleManifest []byte

// WebhookKubeconfig is the kubeconfig of the webhook backend, a text/template
// whose dot is a webhook.Config. Package webhook renders it.
//
//go:embed webhook/kubeconfig.yaml
var WebhookKubeconfig string

// Report holds report/*: the page of a capacity plan, with page.html as the
// html/template to begin with, whose dot package report knows, and the style
// sheet and the script that go into it as they are, since the page names them
// to the browser by their hashes.
//
//go:embed report/*
var Report embed.FS

// Simulation holds simulation/page.html, the page of a simulation: an html/template
// whose style and script are those of Report.
//
//go:embed simulation/*
var Simulation embed.FS
