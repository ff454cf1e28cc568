// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/apis/audit"
)

const (
	// worth is the part of a policy's bytes from which a change is worth a word,
	// and mostSavings how many are told.
	worth       = 0.01
	mostSavings = 8
)

// Saving is a small change of a policy, and what it would have saved. Several do
// not add up where they are about the same events.
type Saving struct {
	// What says what would no longer be recorded, in words.
	What string `json:"what"`
	// YAML is what to add: a rule in front of all others, or a field of the policy.
	YAML   string `json:"yaml"`
	Events int64  `json:"events"`
	Bytes  int64  `json:"bytes"`
	// OfBytes relates to what the policy would have logged.
	OfBytes float64 `json:"ofBytes"`
}

// watched are resources of which reading is what an audit log is for, or of which
// a get can do something: no rule of level None is proposed for them.
var watched = []string{
	"secrets", "serviceaccounts", "tokenreviews", "subjectaccessreviews", "roles", "rolebindings", "clusterroles", "clusterrolebindings",
	"certificatesigningrequests", "validatingwebhookconfigurations", "mutatingwebhookconfigurations",
}

// reads are the verbs of which leaving out the events loses no change.
var reads = []string{"get", "list", "watch"}

// group is the kinds that one rule would match.
type group struct {
	verbs, users          map[string]bool
	events, bytes, bodies int64
	kind                  *Kind
	// omit are the stages without an event, as YAML.
	omit string
}

func (g *group) add(w written) {
	if g.verbs == nil {
		g.verbs, g.users, g.kind, g.omit = map[string]bool{}, map[string]bool{}, w.Kind, stagesOf(w.omit)
	}
	g.verbs[w.Verb], g.users[w.User] = true, true
	g.events += w.events
	g.bytes += w.bytes
	// without bodies, the level is a shorter word too
	g.bodies += w.bodies + w.events*int64(len(w.level)-len(audit.LevelMetadata))
}

// savings finds the changes that save most.
func savings(all []written, o Outcome) []Saving {
	reading, bodies, user := map[string]*group{}, map[string]*group{}, map[string]map[string]*group{}
	var managed, received, receivedEvents int64
	for _, w := range all {
		managed += w.managed
		received += w.receivedBytes
		receivedEvents += w.received
		if w.Resource == "" || w.events == 0 {
			continue
		}
		if w.bodies > 0 {
			into(bodies, w.about()+stagesOf(w.omit), w)
		}
		if slices.Contains(reads, w.Verb) && !w.guarded() {
			into(reading, w.about(), w)
			if strings.HasPrefix(w.User, "system:") {
				if user[w.about()] == nil {
					user[w.about()] = map[string]*group{}
				}
				into(user[w.about()], w.User, w)
			}
		}
	}
	found := []Saving{
		{What: "events of the stage RequestReceived, which say nothing that the later one of the same request does not", YAML: "omitStages: [RequestReceived]\n", Events: receivedEvents, Bytes: received},
		{What: "metadata.managedFields in bodies", YAML: "omitManagedFields: true\n", Bytes: managed},
	}
	for _, key := range slices.Sorted(maps.Keys(reading)) {
		found = append(found, readingLess(reading[key], user[key]))
	}
	for _, key := range slices.Sorted(maps.Keys(bodies)) {
		if g := bodies[key]; !g.matchesMore(all) {
			found = append(found, Saving{What: "the bodies of " + g.kind.about() + ", while its events stay", YAML: g.rule(audit.LevelMetadata, nil), Bytes: g.bodies})
		}
	}
	for i := range found {
		found[i].OfBytes = ratio(found[i].Bytes, o.Bytes)
	}
	found = slices.DeleteFunc(found, func(s Saving) bool { return s.Bytes <= 0 || s.OfBytes < worth })
	slices.SortStableFunc(found, func(a, b Saving) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return found[:min(mostSavings, len(found))]
}

// readingLess leaves out what is read: by the component that does most of it if
// that is half or more, and by everyone else.
func readingLess(all *group, by map[string]*group) Saving {
	for _, name := range slices.Sorted(maps.Keys(by)) {
		if g := by[name]; 2*g.bytes >= all.bytes {
			return Saving{What: "reading " + g.kind.about() + " by " + name, YAML: g.rule(audit.LevelNone, []string{name}), Events: g.events, Bytes: g.bytes}
		}
	}
	return Saving{What: "reading " + all.kind.about(), YAML: all.rule(audit.LevelNone, nil), Events: all.events, Bytes: all.bytes}
}

func into(groups map[string]*group, key string, w written) {
	if groups[key] == nil {
		groups[key] = &group{}
	}
	groups[key].add(w)
}

// guarded says that no rule of level None should be proposed.
func (k *Kind) guarded() bool {
	return k.longRunning() && k.Verb != "watch" || slices.Contains(watched, k.Resource)
}

// rule is the YAML of a rule that matches the group.
func (g *group) rule(level audit.Level, users []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "- level: %s\n", level)
	if users != nil {
		fmt.Fprintf(&b, "  users: [%q]\n", users[0])
	}
	fmt.Fprintf(&b, "  verbs: [%s]\n", strings.Join(slices.Sorted(maps.Keys(g.verbs)), ", "))
	resource := g.kind.Resource
	if g.kind.Subresource != "" {
		resource += "/" + g.kind.Subresource
	}
	fmt.Fprintf(&b, "  resources: [{group: %q, resources: [%q]}]\n", g.kind.Group, resource)
	if level == audit.LevelMetadata && g.omit != "" {
		fmt.Fprintf(&b, "  omitStages: %s\n", g.omit)
	}
	return b.String()
}

// stagesOf writes stages as YAML; empty for none.
func stagesOf(stages []audit.Stage) string {
	if len(stages) == 0 {
		return ""
	}
	names := []string{}
	for _, s := range stages {
		names = append(names, string(s))
	}
	slices.Sort(names)
	return "[" + strings.Join(slices.Compact(names), ", ") + "]"
}

// matchesMore says that a rule in front for the group would have events written
// that are not now, or with other stages.
func (g *group) matchesMore(all []written) bool {
	return slices.ContainsFunc(all, func(w written) bool {
		return w.about() == g.kind.about() && g.verbs[w.Verb] && (w.level == audit.LevelNone || stagesOf(w.omit) != g.omit)
	})
}
