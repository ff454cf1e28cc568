// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"

	"github.com/auditsetup/auditsetup/auditlog"
	"github.com/auditsetup/auditsetup/policy"
)

const (
	// manyRemembered bounds what is remembered of how requests were sorted.
	manyRemembered = 1 << 12
)

// tally counts events. It is used by one goroutine.
type tally struct {
	policies []Policy
	part     *Part
	// names are the object names that some policy looks at.
	names map[string]bool
	// known are the kinds by all that a decision can depend on, as it stands in
	// events; sorted has those of the part with what follows from them.
	known  map[string]*sortedKind
	sorted map[string]*sortedKind
	key    []byte
	words  map[string]string
	// requests parses URLs as kube-apiserver does.
	requests request.RequestInfoFactory
}

// sortedKind is a kind with what the policies decided about it.
type sortedKind struct {
	*Kind
	decisions []decided
	// measured says that some policy records bodies.
	measured bool
	// patch says that the request's body is a patch, of which managed fields are
	// not taken out.
	patch bool
	// last is the cell that was used last.
	last *Cell
}

// decided is a decision by stages.
type decided struct {
	level   audit.Level
	managed bool // omitManagedFields
	omit    []audit.Stage
}

func newTally(policies []Policy) *tally {
	t := &tally{
		policies: policies, part: newPart(policies), names: map[string]bool{}, known: map[string]*sortedKind{}, sorted: map[string]*sortedKind{}, words: map[string]string{},
		requests: request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")},
	}
	for _, p := range policies {
		for _, rule := range p.Policy.V1.Rules {
			for _, r := range rule.Resources {
				for _, name := range r.ResourceNames {
					t.names[name] = true
				}
			}
		}
	}
	return t
}

// add counts an event.
func (t *tally) add(e *auditlog.Event) error {
	t.key = t.appendKey(t.key[:0], e)
	k := t.known[string(t.key)]
	if k == nil {
		if len(t.known) >= manyRemembered {
			clear(t.known)
		}
		k = t.sort(e)
		t.known[string(t.key)] = k
	}
	c := k.last
	if c == nil || c.Stage != e.Stage || c.Level != e.Level {
		c = k.cell(e.Level, e.Stage)
		k.last = c
	}
	head := e.Size - e.Bodies
	c.Events++
	c.Head += head
	c.Bodies += e.Bodies
	if e.Truncated {
		c.Truncated++
	}
	var one amounts
	if k.measured && e.Bodies > 0 {
		one = k.measure(e, c)
	}
	b := t.part.Times.at(e.At)
	if b == nil {
		return nil
	}
	for i := range k.decisions {
		if d := &k.decisions[i]; d.keeps(e.Stage) {
			b[2*i]++
			b[2*i+1] += d.size(head, e.Level, one)
		}
	}
	return nil
}

// amounts are the bytes of bodies with their keys.
type amounts struct{ request, response, requestManaged, responseManaged int64 }

const (
	requestKey  = int64(len(`,"requestObject":`))
	responseKey = int64(len(`,"responseObject":`))
)

func (k *sortedKind) measure(e *auditlog.Event, c *Cell) amounts {
	var a amounts
	request, response := e.Measure(true)
	if request.Size > 0 {
		a.request, a.requestManaged = request.Size+requestKey, request.Managed
		if k.patch {
			a.requestManaged = 0
		}
		c.Requests++
	}
	if response.Size > 0 {
		a.response, a.responseManaged = response.Size+responseKey, response.Managed
		c.Responses++
	}
	c.Request += a.request
	c.Response += a.response
	c.RequestManaged += a.requestManaged
	c.ResponseManaged += a.responseManaged
	return a
}

// keeps says that an event of that stage is written.
func (d *decided) keeps(stage string) bool {
	return d.level != audit.LevelNone && !slices.Contains(d.omit, audit.Stage(stage))
}

// size is that of events with heads and bodies of that many bytes, logged at a
// level, as the policy has them.
func (d *decided) size(head int64, logged string, a amounts) int64 {
	size := head + int64(len(d.level)-len(logged))
	if d.level == audit.LevelMetadata {
		return size
	}
	size += a.request
	if d.managed {
		size -= a.requestManaged
	}
	if d.level == audit.LevelRequestResponse {
		size += a.response
		if d.managed {
			size -= a.responseManaged
		}
	}
	return size
}

// appendKey appends all that any of the policies can distinguish, and all by which
// kinds are told apart. A name counts where some policy has it; then the whole URI
// does, as that has the names that requests came with.
func (t *tally) appendKey(key []byte, e *auditlog.Event) []byte {
	key = append(key, e.User...)
	for _, g := range e.Groups {
		key = append(key, 1)
		key = append(key, g...)
	}
	key = append(key, 0)
	key = append(key, e.Verb...)
	if e.User == nil {
		key = append(key, 2)
	}
	o := &e.Object
	if o.Resource == nil {
		key = append(key, 3)
		return append(key, path(e)...)
	}
	for _, part := range [...][]byte{o.Group, o.Version, o.Resource, o.Subresource, o.Namespace} {
		key = append(key, 0)
		key = append(key, part...)
	}
	if len(t.names) > 0 && t.names[string(o.Name)] {
		key = append(key, 4)
		key = append(key, o.Name...)
		key = append(key, 0)
		key = append(key, e.RequestURI()...)
	}
	return key
}

// path is that of the URI, as it stands there.
func path(e *auditlog.Event) []byte {
	uri := e.RequestURI()
	if i := bytes.IndexByte(uri, '?'); i >= 0 {
		return uri[:i]
	}
	return uri
}

// attributes are what kube-apiserver gave its policy for the request.
func (t *tally) attributes(e *auditlog.Event) authorizer.AttributesRecord {
	a := authorizer.AttributesRecord{Verb: string(e.Verb), ResourceRequest: e.Object.Resource != nil}
	if e.User != nil {
		groups := make([]string, len(e.Groups))
		for i, g := range e.Groups {
			groups[i] = string(g)
		}
		a.User = &user.DefaultInfo{Name: string(e.User), Groups: groups}
	}
	a.Path = string(path(e))
	if u, err := url.ParseRequestURI(a.Path); err == nil {
		a.Path = u.Path
	}
	o := e.Object
	if a.ResourceRequest {
		a.APIGroup, a.APIVersion, a.Resource, a.Subresource = string(o.Group), string(o.Version), string(o.Resource), string(o.Subresource)
		a.Namespace, a.Name = string(o.Namespace), string(o.Name)
	}
	if a.Name != "" && a.Verb == "create" && !t.named(e, a.Name) {
		a.Name = "" // it was learned from the object, after the decision
	}
	return a
}

// word gives the same string for equal ones, so that memory holds each once.
func (t *tally) word(word string) string {
	if known, ok := t.words[word]; ok {
		return known
	}
	if len(t.words) > manyRemembered {
		clear(t.words)
	}
	t.words[word] = word
	return word
}

// named says that a request to create came with a name in its URL, as those to
// subresources do.
func (t *tally) named(e *auditlog.Event, name string) bool {
	u, err := url.ParseRequestURI(string(e.RequestURI()))
	if err != nil {
		return false
	}
	info, err := t.requests.NewRequestInfo(&http.Request{Method: http.MethodPost, URL: u})
	return err == nil && info.Name == name
}

// sort finds the kind of a request, which may be new.
func (t *tally) sort(e *auditlog.Event) *sortedKind {
	a := t.attributes(e)
	k := &Kind{
		User: string(e.User), NoUser: e.User == nil, Verb: t.word(a.Verb),
		Group: t.word(a.APIGroup), Resource: t.word(a.Resource), Subresource: t.word(a.Subresource), Rules: make([]int, len(t.policies)),
	}
	if !a.ResourceRequest {
		k.Path = shortened(a.Path)
	}
	decisions := make([]policy.Decision, len(t.policies))
	for i, p := range t.policies {
		decisions[i] = p.Policy.Evaluate(a)
		k.Rules[i] = decisions[i].Rule
	}
	k.blur(t.part.Blur)
	key := k.key()
	if found := t.sorted[key]; found != nil {
		return found
	}
	s := &sortedKind{Kind: k, patch: k.Verb == "patch"}
	for _, d := range decisions {
		s.decisions = append(s.decisions, decided{d.Level, d.OmitManagedFields, d.OmitStages})
		s.measured = s.measured || d.Level == audit.LevelRequest || d.Level == audit.LevelRequestResponse
	}
	t.sorted[key], t.part.Kinds[key] = s, k
	if t.part.few() {
		return s
	}
	clear(t.known)
	sorted := t.sorted
	t.sorted = map[string]*sortedKind{}
	for _, s := range sorted {
		if key := s.key(); t.part.Kinds[key] == s.Kind {
			t.sorted[key] = s
		}
	}
	return t.sorted[k.key()]
}
