// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxSize is the largest input that is read, in bytes: 10 MiB. It is the
// kubelet's own bound for a static pod manifest (maxConfigLength in
// pkg/kubelet/config/file.go of kubernetes/kubernetes); an audit policy or a
// spec of that size is a mistake. Callers that read files do well to look at
// the size first.
const MaxSize = 10 << 20

// maxMarks bounds how many characters that can begin a value the input may
// have. Every value costs the parser some 300 bytes and many times its length
// in work: 10 MiB of "- " took 1.8 GB. The largest file ever seen in use has a
// few thousand.
const maxMarks = 200_000

// Parse reads data as one YAML or JSON document and returns its root: the node
// below the document node, never an alias. file is the name for messages. What
// starts with a brace has to be JSON, as it has to be for Kubernetes.
//
// The error is a [Problems]. Input that is empty (or holds nothing but
// comments), larger than [MaxSize], binary, broken in its syntax, or more than
// one document gives a nil root. Empty documents after the first are no
// problem. With duplicate keys only, the root comes along with the error, so
// that the caller can go on checking and report everything at once.
//
// Anchors and aliases are left as they are in the tree; nothing is expanded,
// so that an alias that points into itself many times costs nothing here.
// Whoever follows [yaml.Node.Alias] has to bound that. JSON that YAML does not
// cover (a string with a surrogate pair written as two \u escapes) is refused.
func Parse(file string, data []byte) (*yaml.Node, error) {
	if p, bad := unreadable(file, data); bad {
		return nil, Problems{p}
	}
	root, problem := onlyDocument(file, data)
	if problem != nil {
		return nil, Problems{*problem}
	}
	if p, bad := looseJSON(file, data); bad {
		return nil, Problems{p}
	}
	return root, duplicateKeys(file, root).Err()
}

// looseJSON finds what makes a document that starts with a brace no JSON.
// Kubernetes looks at that first character and then reads no YAML at all
// (hasJSONPrefix in pkg/util/yaml of k8s.io/apimachinery), so a comment or a
// comma too many, which YAML allows, stops a kubelet or a kube-apiserver.
func looseJSON(file string, data []byte) (Problem, bool) {
	var broken *json.SyntaxError
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) ||
		!errors.As(json.Unmarshal(data, new(json.RawMessage)), &broken) {
		return Problem{}, false
	}
	p := Problem{File: file, What: "not valid JSON: " + broken.Error(),
		Hint: "Kubernetes reads a file that starts with { as JSON, not as YAML"}
	p.Line, p.Column = position(data, max(0, int(broken.Offset)-1))
	return p, true
}

// unreadable looks at the bytes alone: what it reports makes parsing pointless.
func unreadable(file string, data []byte) (Problem, bool) {
	p := Problem{File: file}
	switch {
	case len(data) > MaxSize:
		p.What = fmt.Sprintf("is %d MiB large, and at most %d MiB are read", len(data)>>20, MaxSize>>20)
		p.Hint = "check the path: this is not a file written by hand"
		return p, true
	case len(bytes.TrimSpace(data)) == 0:
		p.What = "is empty"
		return p, true
	}
	if marks := countMarks(data); marks > maxMarks {
		p.What = fmt.Sprintf("has some %d lines and values, and at most %d are read", marks, maxMarks)
		p.Hint = "check the path: this is not a file written by hand"
		return p, true
	}
	at := bytes.IndexByte(data, 0)
	if at < 0 && !utf8.Valid(data) {
		at = invalidUTF8(data)
	}
	if at < 0 {
		return p, false
	}
	p.Line, p.Column = position(data, at)
	p.What = "holds binary data"
	p.Hint = "only text in UTF-8 is read; check the path, or save the file as UTF-8"
	return p, true
}

// countMarks counts the characters that can begin a value or an empty document;
// there are never more values than twice that.
func countMarks(data []byte) int {
	marks := 0
	for _, b := range data {
		switch b {
		case '\n', '\r', ',', ':', '-', '?', '[', '{':
			marks++
		}
	}
	return marks
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(data []byte) int {
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// onlyDocument returns the root of the one document in data.
func onlyDocument(file string, data []byte) (*yaml.Node, *Problem) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var root *yaml.Node
	for count := 0; ; count++ {
		document, err := nextDocument(decoder)
		switch {
		case errors.Is(err, io.EOF):
			if isNothing(root) {
				return nil, &Problem{File: file, What: "is empty: there is nothing but comments or document marks"}
			}
			return root, nil
		case err != nil:
			p := syntaxProblem(file, data, err)
			return nil, &p
		case count == 0:
			root = document
		case !isNothing(document):
			return nil, severalDocuments(file, root, document)
		}
	}
}

// severalDocuments words the problem by what a reader of the first document
// alone, such as the kubelet or kube-apiserver, would see.
func severalDocuments(file string, first, second *yaml.Node) *Problem {
	p := ProblemAt(file, second, "a second document starts here, and only the first is read",
		"keep one document in the file: remove the others and their --- lines")
	if isNothing(first) {
		p.What = "the first document is empty, and only the first is read"
		p.Hint = "remove the --- lines above"
	}
	return &p
}

// nextDocument returns the root of the next document, or io.EOF. The parser
// below is not ours and its input is: a crash in it becomes an error.
func nextDocument(decoder *yaml.Decoder) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("yaml: %v", r)
		}
	}()
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		return nil, nil
	}
	return document.Content[0], nil
}

// isNothing says whether a document holds no value.
func isNothing(root *yaml.Node) bool {
	return root == nil || root.Kind == yaml.ScalarNode && root.Tag == "!!null"
}
