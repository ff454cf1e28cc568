// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// WaitForEvent returns the last event of the request with that ID (stage
// ResponseComplete or Panic) once it stands in the log file, which need not be
// there yet. It gives up when ctx ends, which must have a deadline, and then
// says what the file had of the request.
func WaitForEvent(ctx context.Context, file, auditID string) (auditv1.Event, error) {
	for {
		events, err := Events(file, auditID)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return auditv1.Event{}, err
		}
		for _, event := range events {
			if event.Stage == auditv1.StageResponseComplete || event.Stage == auditv1.StagePanic {
				return event, nil
			}
		}
		select {
		case <-ctx.Done():
			return auditv1.Event{}, missing(file, auditID, events, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// missing says how far a request got in the log file.
func missing(file, auditID string, events []auditv1.Event, cause error) error {
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("no event %s: %w", auditID, err)
	}
	var stages []auditv1.Stage
	for _, event := range events {
		stages = append(stages, event.Stage)
	}
	return fmt.Errorf("%s, %d bytes: event %s has stages %v, no last one: %w", file, info.Size(), auditID, stages, cause)
}

// Events returns the events of a request in the order of the log file. A last
// line without an end is one that is being written, and is left out.
func Events(file, auditID string) ([]auditv1.Event, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var events []auditv1.Event
	for number := 1; ; number++ {
		line, rest, complete := bytes.Cut(text, []byte("\n"))
		if !complete {
			return events, nil
		}
		text = rest
		if !bytes.Contains(line, []byte(auditID)) {
			continue
		}
		var event auditv1.Event
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, number, err)
		}
		if string(event.AuditID) == auditID {
			events = append(events, event)
		}
	}
}
