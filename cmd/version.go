// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"runtime/debug"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/spf13/cobra"
)

func newVersion(io Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, and which Kubernetes versions it knows",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(io.Out, versionLine())
			return err
		},
	}
}

func versionLine() string {
	return fmt.Sprintf("auditsetup %s, for kube-apiserver 1.%d to 1.%d\n", toolVersion(), apiserver.OldestSupportedMinor, apiserver.NewestMinor)
}

// toolVersion is the version that the Go toolchain stamped into the binary:
// that of the module when it was installed by `go install`.
func toolVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
