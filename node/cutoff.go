// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package node

// CutOff is a change that was cut off, and how far it came.
type CutOff struct {
	Record Record
	// Step is the one in which it ended, as far as the files tell: StepBackup,
	// StepFiles, StepManifest, or empty when all of them were in place and what
	// comes after that was under way.
	Step Step
	// Written is how many files of the Record are as the change has them.
	Written int
}

// CutOff tells of the change that a rollback would finish or take back; nil when
// none was cut off. Whoever asks has to know that no other process is at work:
// see [Host.Available].
func (h *Host) CutOff() (*CutOff, error) {
	records, err := h.Records()
	if err != nil {
		return nil, err
	}
	r := unfinished(records)
	if r == nil {
		return nil, nil
	}
	c := &CutOff{Record: *r, Step: StepBackup}
	for _, f := range r.Files {
		now, err := h.readIfAny(f.Path)
		if err != nil {
			return nil, err
		}
		is := ""
		if now != nil {
			is = digest(now.Bytes)
		}
		if is != f.After {
			continue
		}
		c.Written++
		if c.Step != StepManifest {
			c.Step = StepFiles
		}
		if f.Manifest {
			c.Step = StepManifest
		}
	}
	if c.Written == len(r.Files) {
		c.Step = ""
	}
	return c, nil
}
