// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import "time"

// Enabled is an enable that nothing has taken back.
type Enabled struct {
	ID   string
	Time time.Time
	// Manifest is the SHA-256 of the manifest that it wrote.
	Manifest string
}

// CutOff is a change that was cut off.
type CutOff struct {
	ID, Command string
	Time        time.Time
	// Step is what was being done, in a few words.
	Step string
	// Written of Files are as they were to be.
	Written, Files int
}
