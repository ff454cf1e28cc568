// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/setup"
	"github.com/spf13/cobra"
)

// TestMeasureEnds has a log that never comes, as from a pipe into which nobody
// writes: a signal ends the wait all the same.
func TestMeasureEnds(t *testing.T) {
	t.Parallel()
	never, keep := io.Pipe()
	defer keep.Close()
	ctx, cancel := context.WithCancel(t.Context())
	c := &cobra.Command{}
	c.SetContext(ctx)
	cancel()
	m := measuring{logs: []string{"-"}}
	var out bytes.Buffer
	_, err := m.measure(c, Streams{In: never, Out: &out, Err: &out}, &inputs{}, &setup.Input{Origins: setup.Origins{}})
	if err == nil || !strings.HasPrefix(err.Error(), "interrupted") {
		t.Errorf("got %v", err)
	}
}
