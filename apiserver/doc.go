// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package apiserver holds the facts of kube-apiserver by version, as far as
// audit logging goes: which flags exist, of which type and with which default,
// which combinations it refuses to start with, and which it accepts to the
// administrator's harm; and which resources and paths requests can be for. The
// facts are tables in this package; nothing here reads a file, a cluster or a
// clock.
//
// Sources are named as repository path and version, for example
// "k8s.io/apiserver v0.37.1 pkg/server/options/audit.go". What was established
// how, over 56 releases from 1.12.0 to 1.38.0-alpha.2, is recorded in
// testdata/facts/audit-flags.json, and a test holds the table to it. The module
// in test/oracle holds [Validate] to upstream's own code.
//
// The table of resources, resources.txt, is written by test/resources from
// upstream's own data, and test/real compares it with real servers.
//
// To teach the package a new minor, see the comment above the flag table in
// table.go.
package apiserver
