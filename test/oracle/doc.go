// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package oracle asks kube-apiserver's own code what package apiserver claims
// to know: whether a command line is accepted, which flags it has, and what
// they default to. It is a module of its own, so that the weight of the real
// server stays out of auditsetup's go.mod. Only tests are in it.
//
// The version asked is the one of k8s.io/apiserver in go.mod; oldest to newest
// are covered by testdata/facts/audit-flags.json, and by the real binaries that
// the end-to-end tests start.
package oracle
