// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/auditlog"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
)

const logs = "../testdata/logs"

// allProfiles are for the newest release.
func allProfiles(t testing.TB) []Policy {
	t.Helper()
	var all []Policy
	for _, p := range profiles.All() {
		text, err := p.Policy(apiserver.Version{Minor: apiserver.NewestMinor, Patch: -1})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, read(t, p.Name, string(text)))
	}
	return all
}

func read(t testing.TB, name, text string) Policy {
	t.Helper()
	p, err := policy.Read(name, []byte(text), apiserver.Version{})
	if err != nil {
		t.Fatal(err)
	}
	return Policy{name, p}
}

func ran(t testing.TB, policies []Policy, workers int, paths ...string) *Part {
	t.Helper()
	files, err := auditlog.Find(paths...)
	if err != nil {
		t.Fatal(err)
	}
	part, err := Run(t.Context(), policies, files, nil, Options{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return part
}

func outcomes(t testing.TB, part *Part) *Result {
	t.Helper()
	r, err := part.Result()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// text is the JSON of a result.
func text(t testing.TB, r *Result) string {
	t.Helper()
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "null") {
		t.Errorf("null in %s", data)
	}
	return string(data)
}

// events are those of a file, as upstream reads them.
func events(t testing.TB, path string) []auditv1.Event {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []auditv1.Event
	for line := range bytes.Lines(data) {
		var e auditv1.Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// rewritten is what a policy makes of an event, decoded and encoded again: nil for
// nothing. It is the slow way to the sizes.
func rewritten(t testing.TB, p *policy.Policy, e auditv1.Event) []byte {
	t.Helper()
	a := authorizer.AttributesRecord{Verb: e.Verb, ResourceRequest: e.ObjectRef != nil, Path: strings.SplitN(e.RequestURI, "?", 2)[0]}
	if e.User.Username != "" {
		a.User = &user.DefaultInfo{Name: e.User.Username, Groups: e.User.Groups}
	}
	if o := e.ObjectRef; o != nil {
		a.APIGroup, a.APIVersion, a.Resource, a.Subresource, a.Namespace, a.Name = o.APIGroup, o.APIVersion, o.Resource, o.Subresource, o.Namespace, o.Name
		if e.Verb == "create" && !strings.Contains(a.Path, "/"+o.Name) {
			a.Name = ""
		}
	}
	d := p.Evaluate(a)
	if d.Level == "None" || slices.ContainsFunc(d.OmitStages, func(s audit.Stage) bool { return string(s) == string(e.Stage) }) {
		return nil
	}
	e.Level = auditv1.Level(d.Level)
	if d.Level == "Metadata" {
		e.RequestObject = nil
	}
	if d.Level != "RequestResponse" {
		e.ResponseObject = nil
	}
	if d.OmitManagedFields {
		if e.RequestObject != nil && e.Verb != "patch" {
			e.RequestObject.Raw = unmanaged(t, e.RequestObject.Raw)
		}
		if e.ResponseObject != nil {
			e.ResponseObject.Raw = unmanaged(t, e.ResponseObject.Raw)
		}
	}
	line, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return append(line, '\n')
}

// unmanaged takes managedFields out; that the order of keys changes does no harm
// to sizes.
func unmanaged(t testing.TB, raw []byte) []byte {
	t.Helper()
	var object any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&object); err != nil {
		t.Fatal(err)
	}
	var without func(any)
	without = func(x any) {
		switch x := x.(type) {
		case []any:
			for _, item := range x {
				without(item)
			}
		case map[string]any:
			delete(x, "managedFields")
			for _, value := range x {
				without(value)
			}
		}
	}
	without(object)
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// bodies has every kind of body.
const bodies = `apiVersion: audit.k8s.io/v1
kind: Policy
omitManagedFields: true
rules:
- level: RequestResponse
  verbs: [create, patch]
- level: Request
  omitManagedFields: false
  omitStages: [RequestReceived]
- level: None
`

// TestSizes has every profile make of the captured logs what the events are that
// it would have written, to the byte, kind by kind.
func TestSizes(t *testing.T) {
	t.Parallel()
	policies := append(allProfiles(t), read(t, "bodies", bodies))
	for _, name := range []string{"audit.log", "audit-2026-11-22T08-23-31.943.log"} {
		path := filepath.Join(t.TempDir(), "x.log")
		data, err := os.ReadFile(filepath.Join(logs, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		result := outcomes(t, ran(t, policies, 2, path))
		all := events(t, path)
		for i, p := range policies {
			var count, size int64
			levels := map[string]int64{}
			for _, e := range all {
				if line := rewritten(t, p.Policy, e); line != nil {
					count++
					size += int64(len(line))
					var got auditv1.Event
					if err := json.Unmarshal(line, &got); err != nil {
						t.Fatal(err)
					}
					levels[string(got.Level)] += int64(len(line))
				}
			}
			o := result.Policies[i]
			if o.Events != count || o.Bytes != size {
				t.Errorf("%s, %s: %d events of %d bytes, want %d of %d", name, p.Name, o.Events, o.Bytes, count, size)
			}
			for _, l := range o.Levels {
				if l.Bytes != levels[l.Name] {
					t.Errorf("%s, %s, %s: %d bytes, want %d", name, p.Name, l.Name, l.Bytes, levels[l.Name])
				}
			}
			sameSums(t, o)
		}
	}
}

// sameSums wants each division of the whole to add up to it.
func sameSums(t *testing.T, o Outcome) {
	t.Helper()
	for name, shares := range map[string][]Share{"levels": o.Levels, "users": o.Users, "kinds": o.Kinds} {
		var events, size int64
		for _, s := range shares {
			events += s.Events
			size += s.Bytes
		}
		if events != o.Events || size != o.Bytes {
			t.Errorf("%s: %s add up to %d events of %d bytes, not %d of %d", o.Policy, name, events, size, o.Events, o.Bytes)
		}
	}
	var events, size int64
	for _, r := range o.Rules {
		events += r.Events
		size += r.Bytes
	}
	if events != o.Events || size != o.Bytes {
		t.Errorf("%s: rules add up to %d events of %d bytes, not %d of %d", o.Policy, events, size, o.Events, o.Bytes)
	}
}

// TestMerge counts each file by itself, through the form of a file, and wants what
// all files give at once, in any number of goroutines.
func TestMerge(t *testing.T) {
	t.Parallel()
	policies := append(allProfiles(t), read(t, "bodies", bodies))
	names := []string{"audit-2026-11-22T08-23-30.905.log.gz", "audit-2026-11-22T08-23-31.943.log", "audit.log"}
	dir := t.TempDir()
	var parts []*Part
	var paths []string
	for i, name := range names {
		data, err := os.ReadFile(filepath.Join(logs, name))
		if err != nil {
			t.Fatal(err)
		}
		name = fmt.Sprintf("%d%s", i, filepath.Ext(name))
		if err := os.WriteFile(filepath.Join(dir, name), append(data, "no event\n"...), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, filepath.Join(dir, name))
		var b bytes.Buffer
		if err := ran(t, policies, 1, paths[i]).Write(&b); err != nil {
			t.Fatal(err)
		}
		part, err := ReadPart(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part)
	}
	merged, err := Merge(parts...)
	if err != nil {
		t.Fatal(err)
	}
	got := text(t, outcomes(t, merged))
	for workers := 1; workers <= 3; workers++ {
		if want := text(t, outcomes(t, ran(t, policies, workers, paths...))); got != want {
			t.Errorf("merged, with %d goroutines:\n%s\nat once:\n%s", workers, got, want)
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	one := ran(t, []Policy{read(t, "p", bodies)}, 1, filepath.Join(logs, "audit.log"))
	other := ran(t, []Policy{read(t, "p", bodies+"# other\n")}, 1, filepath.Join(logs, "audit.log"))
	if _, err := Merge(one, other); err == nil || !strings.Contains(err.Error(), "other policies") {
		t.Errorf("%v", err)
	}
	if _, err := Merge(); err == nil {
		t.Error("nothing was merged")
	}
	var b bytes.Buffer
	if err := one.Write(&b); err != nil {
		t.Fatal(err)
	}
	good := b.String()
	for name, bad := range map[string]string{
		"no JSON": "x", "empty": "{}", "cut off": good[:len(good)-100],
		"version": strings.Replace(good, `"formatVersion":1`, `"formatVersion":2`, 1),
		"sum":     strings.Replace(good, "omitManagedFields: true", "omitManagedFields: false", 1),
		"rules":   strings.Replace(good, `"rules":[0]`, `"rules":[7]`, 1),
		"few":     strings.Replace(good, `"rules":[0]`, `"rules":[]`, 1),
	} {
		if _, err := ReadPart([]byte(bad)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}
