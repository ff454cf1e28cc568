// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Command pause is what a pod's sandbox runs: it holds the namespaces and waits
// to be told to end. It stands in for registry.k8s.io/pause.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, os.Interrupt, syscall.SIGTERM)
	<-told
}
