// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Command auditsetup turns on API-server audit logging on a kubeadm control
// plane. Everything it does is in package cmd.
package main

import (
	"os"

	"github.com/auditsetup/auditsetup/cmd"
)

func main() { os.Exit(cmd.Main(os.Args[1:], cmd.System())) }
