// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package sources compares profiles with what they follow, as its makers have it
// in Go modules: OpenShift's rules, and the text of the CIS benchmark. Nothing of
// these modules is compiled; only their files are read, from the module cache,
// where the go command puts them from the proxy and checks them. It is a module of
// its own so that the other tests need no network. Only tests are in it.
//
// Profiles whose sources no module has are compared in package profiles; the
// source of gce is a script, which test/real runs.
package sources
