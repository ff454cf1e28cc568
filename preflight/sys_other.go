// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package preflight

import "errors"

// No control plane runs on other systems: there is nothing to look at.

func spaceOf(string) (space, error) { return space{}, errors.ErrUnsupported }

func labelOf(string) string { return "" }

func owned(string) bool { return false }
