// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package kinds

import (
	"fmt"
	"slices"

	"k8s.io/apiserver/pkg/apis/audit"
	upstream "k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// masks holds, for each condition, the bits of the values that it holds for.
type masks map[string][]uint64

// key is the same for conditions that say the same.
func key(d int, c *audit.PolicyRule) string {
	return fmt.Sprintf("%d %q %q", d, slices.Concat(c.Users, c.Verbs, c.Namespaces, c.NonResourceURLs), c.Resources)
}

// classify makes the dimensions: values for which the same conditions hold get
// the same bit.
func (s *Space) classify(parts [][]part, resources bool) masks {
	found := masks{}
	for d, fill := range s.fillers(resources) {
		var keys []string
		var conditions []*audit.PolicyRule
		for _, of := range parts {
			for _, p := range of {
				if c := p.conditions[d]; c != nil && !slices.Contains(keys, key(d, c)) {
					keys, conditions = append(keys, key(d, c)), append(conditions, c)
				}
			}
		}
		made, bits := s.dimension(s.count(d, resources), fill, conditions, resources)
		s.dims = append(s.dims, made)
		for i, k := range keys {
			found[k] = bits[i]
		}
	}
	for _, group := range s.groups {
		from := len(s.full)
		s.full = append(s.full, 0b11)
		s.dims = append(s.dims, &dim{from: from, to: from + 1, class: []int{0, 1}, size: 2, fill: func(value int, r *request) {
			if value == 1 {
				r.user.Groups = append(r.user.Groups, group)
			}
		}})
	}
	return found
}

// count is how many values one of the plain dimensions has.
func (s *Space) count(d int, resources bool) int {
	switch {
	case d != targetDim:
		return len(s.words[d])
	case resources:
		return len(s.things)
	}
	return len(s.paths)
}

func (s *Space) fillers(resources bool) [groupDims]func(int, *request) {
	return [groupDims]func(int, *request){
		targetDim: func(v int, r *request) {
			if resources {
				s.things[v].fill(r)
			} else {
				r.attrs.Path = s.paths[v].example
			}
		},
		verbDim:      func(v int, r *request) { r.attrs.Verb = s.words[verbDim][v] },
		namespaceDim: func(v int, r *request) { r.attrs.Namespace = s.words[namespaceDim][v] },
		nameDim:      func(v int, r *request) { r.attrs.Name = s.words[nameDim][v] },
		userDim:      func(v int, r *request) { r.user.Name = s.words[userDim][v] },
	}
}

// dimension adds a dimension and gives the bits of each condition.
func (s *Space) dimension(values int, fill func(int, *request), conditions []*audit.PolicyRule, resources bool) (*dim, [][]uint64) {
	holds := make([]func(authorizer.Attributes) bool, len(conditions))
	for i, c := range conditions {
		holds[i] = condition(*c)
	}
	d := &dim{from: len(s.full), class: make([]int, values), fill: fill}
	var signatures [][]bool
	classes := map[string]int{}
	for v := range values {
		r := request{attrs: authorizer.AttributesRecord{ResourceRequest: resources}}
		fill(v, &r)
		r.attrs.User = &r.user
		signature := make([]bool, len(holds))
		for i, h := range holds {
			signature[i] = h(r.attrs)
		}
		name := fmt.Sprint(signature)
		class, known := classes[name]
		if !known {
			class = len(signatures)
			classes[name] = class
			signatures = append(signatures, signature)
		}
		d.class[v] = class
	}
	d.size = len(signatures)
	d.to = d.from + (d.size+63)/64
	s.full = append(s.full, bitsOf(d, func(int) bool { return true })...)
	masks := make([][]uint64, len(conditions))
	for i := range conditions {
		masks[i] = bitsOf(d, func(class int) bool { return signatures[class][i] })
	}
	return d, masks
}

func bitsOf(d *dim, has func(class int) bool) []uint64 {
	words := make([]uint64, d.to-d.from)
	for class := range d.size {
		if has(class) {
			words[class/64] |= 1 << (class % 64)
		}
	}
	return words
}

// condition asks kube-apiserver's evaluator about a single condition.
func condition(rule audit.PolicyRule) func(authorizer.Attributes) bool {
	rule.Level = audit.LevelMetadata
	evaluator := upstream.NewPolicyRuleEvaluator(&audit.Policy{Rules: []audit.PolicyRule{rule}})
	return func(a authorizer.Attributes) bool {
		return evaluator.EvaluatePolicyRule(a).Level == audit.LevelMetadata
	}
}

// box is the box of a part.
func (s *Space) box(p part, m masks) Box {
	b := slices.Clone(s.full)
	for d, c := range p.conditions {
		if c != nil {
			copy(b[s.dims[d].from:s.dims[d].to], m[key(d, c)])
		}
	}
	if p.grouped {
		i, _ := slices.BinarySearch(s.groups, p.group)
		b[s.dims[groupDims+i].from] = 0b10
	}
	return b
}
