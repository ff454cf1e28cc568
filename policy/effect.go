// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/apis/audit"
)

// Effect is what a policy writes of a request, so far as one can tell from the
// log: where it writes nothing, stages say nothing, and where it writes no
// bodies, managed fields say nothing. Effects can be compared with ==.
type Effect struct {
	// Level is None as well when every stage is omitted.
	Level audit.Level
	// OmitStages are the omitted stages, sorted, with commas between them.
	OmitStages string
	// OmitManagedFields is only set at a level with bodies.
	OmitManagedFields bool
}

// More is positive when e records more than other, negative when less, and 0 when
// they are the same or neither is more, as when each has a stage that the other
// omits. A level counts before a stage, and a stage before managed fields.
func (e Effect) More(other Effect) int {
	stages := func(e Effect) []string {
		return strings.FieldsFunc(e.OmitStages, func(r rune) bool { return r == ',' })
	}
	lacks := func(x, y Effect) bool {
		return slices.ContainsFunc(stages(x), func(s string) bool { return !slices.Contains(stages(y), s) })
	}
	switch {
	case e.Level != other.Level && e.Level.Less(other.Level):
		return -1
	case e.Level != other.Level:
		return 1
	case lacks(e, other) && lacks(other, e):
		return 0
	case lacks(e, other):
		return -1
	case lacks(other, e):
		return 1
	case e.OmitManagedFields == other.OmitManagedFields:
		return 0
	case e.OmitManagedFields:
		return -1
	}
	return 1
}

// Effect gives what is written by a decision.
func (d Decision) Effect() Effect {
	if d.Level == audit.LevelNone || len(d.OmitStages) == len(stages()) {
		return Effect{Level: audit.LevelNone}
	}
	names := make([]string, len(d.OmitStages))
	for i, s := range d.OmitStages {
		names[i] = string(s)
	}
	bodies := audit.LevelRequest.Less(d.Level) || d.Level == audit.LevelRequest
	return Effect{Level: d.Level, OmitStages: strings.Join(names, ","), OmitManagedFields: bodies && d.OmitManagedFields}
}
