// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/auditsetup/auditsetup/document"
	"go.yaml.in/yaml/v3"
)

// kubeadmFile is a kubeadm configuration as bytes, with its documents as an
// index into them.
type kubeadmFile struct {
	name string
	// data ends in a line break, whether the file does or not.
	data []byte
	bare bool // the file does not
	eol  string
	// lines are the offsets at which lines start.
	lines []int
	docs  []kubeadmDoc
	// cluster is the document to change; its root is nil when there is none, and
	// one is to be added.
	cluster kubeadmDoc
	api     string
}

// kubeadmDoc is one document: the lines from first on and before end, from 0.
// The nodes' lines are those of the file.
type kubeadmDoc struct {
	root       *yaml.Node
	first, end int
}

// maxDocs bounds how many documents are read; kubeadm has seven kinds, and takes
// each once.
const maxDocs = 32

// readKubeadm reads a file of kubeadm's documents, and finds the one to change.
func readKubeadm(name string, data []byte) (*kubeadmFile, error) {
	f := &kubeadmFile{name: name, data: data, eol: "\n", lines: []int{0}}
	if len(data) > document.MaxSize || len(bytes.TrimSpace(data)) == 0 {
		_, err := document.Parse(name, data) // which words it
		return nil, err
	}
	if at := oddBreak(data); at >= 0 {
		return nil, f.problems(bytes.Count(data[:at], []byte("\n"))+1, `a line ends in another character than \n, which YAML readers do not agree on`, `end lines in \n or \r\n`)
	}
	if i := bytes.IndexByte(data, '\n'); i > 0 && data[i-1] == '\r' {
		f.eol = "\r\n"
	}
	if data[len(data)-1] != '\n' {
		f.bare, f.data = true, slices.Concat(data, []byte(f.eol))
	}
	for i, b := range f.data {
		if b == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	if err := f.split(); err != nil {
		return nil, err
	}
	return f, f.find()
}

// oddBreak finds a character that some YAML readers take for the end of a line;
// -1 when there is none.
func oddBreak(data []byte) int {
	for i, b := range data {
		if b == '\r' && (i+1 == len(data) || data[i+1] != '\n') {
			return i
		}
	}
	return bytes.IndexAny(data, "\u0085\u2028\u2029")
}

// problems is one problem with a line of the file, from 1.
func (f *kubeadmFile) problems(line int, what, hint string) document.Problems {
	return document.Problems{{File: f.name, Line: line, What: what, Hint: hint}}
}

func (f *kubeadmFile) at(n *yaml.Node, what, hint string) document.Problems {
	return document.Problems{document.ProblemAt(f.name, n, what, hint)}
}

// count is the number of lines.
func (f *kubeadmFile) count() int { return len(f.lines) - 1 }

// line is the text of a line, from 0, without its break.
func (f *kubeadmFile) line(i int) string {
	return strings.TrimRight(string(f.data[f.lines[i]:f.lines[i+1]]), "\r\n")
}

// split parses each document by itself, as kubeadm does, so that every problem
// of every one is found. A line that begins with --- always begins a document.
func (f *kubeadmFile) split() error {
	var problems document.Problems
	for first := 0; first < f.count(); {
		end := first + 1
		for end < f.count() && !strings.HasPrefix(f.line(end), "---") {
			end++
		}
		if f.holdsAnything(first, end) {
			doc := kubeadmDoc{first: first, end: end}
			var err error
			// blank lines in front, so that lines are counted from the file's first
			text := append(bytes.Repeat([]byte("\n"), first), f.data[f.lines[first]:f.lines[end]]...)
			doc.root, err = document.Parse(f.name, text)
			problems = append(problems, document.ProblemsOf(err)...)
			f.docs = append(f.docs, doc)
			if len(f.docs) > maxDocs {
				return f.problems(first+1, fmt.Sprintf("more than %d documents, and kubeadm knows fewer kinds", maxDocs), "check the path given with --into")
			}
		}
		first = end
	}
	if len(f.docs) == 0 && len(problems) == 0 {
		problems.Add(f.name, "is empty: there is nothing but comments or document marks", "check the path given with --into")
	}
	return problems.Err()
}

// holdsAnything tells whether there is more in the lines than comments and marks.
func (f *kubeadmFile) holdsAnything(first, end int) bool {
	for i := first; i < end; i++ {
		if !isRemark(f.line(i)) {
			return true
		}
	}
	return false
}

// isRemark tells whether a line holds nothing but blanks, a comment or a mark.
func isRemark(line string) bool {
	line = strings.TrimSpace(strings.TrimPrefix(line, "\xef\xbb\xbf"))
	if rest, marked := strings.CutPrefix(line, "---"); marked && strings.TrimLeft(rest, " \t") != rest {
		line = strings.TrimSpace(rest)
	}
	return line == "" || line == "---" || line == "..." || line[0] == '#'
}

// find settles which document is changed, and its API version.
func (f *kubeadmFile) find() error {
	var problems document.Problems
	host := "" // the API version of a document beside which one may be added
	for _, doc := range f.docs {
		kind, api := valueOf(doc.root, "kind"), valueOf(doc.root, "apiVersion")
		version := ""
		if api != nil {
			version, _ = strings.CutPrefix(api.Value, kubeadmGroup)
		}
		switch {
		case doc.root.Kind != yaml.MappingNode:
			problems = append(problems, f.at(doc.root, "not a document of kubeadm: it is no mapping", "check the path given with --into")...)
		case kind == nil:
			problems = append(problems, f.at(doc.root, "kind is missing", "write kind: ClusterConfiguration, if that is what it is")...)
		case kind.Value == "InitConfiguration" && slices.Contains(KubeadmAPIs, version):
			host = version
		case kind.Value != "ClusterConfiguration":
		case f.cluster.root != nil:
			problems = append(problems, f.at(kind, fmt.Sprintf("ClusterConfiguration is there twice, first in line %d", f.cluster.root.Line), "keep one of the two: kubeadm refuses both")...)
		case api == nil:
			problems = append(problems, f.at(doc.root, "apiVersion is missing", "write apiVersion: "+kubeadmGroup+"v1beta4, or what kubeadm config migrate gives")...)
		case !strings.HasPrefix(api.Value, kubeadmGroup) || !slices.Contains(KubeadmAPIs, version):
			problems = append(problems, f.at(api, fmt.Sprintf("apiVersion is %q, and only %s%s can be changed", api.Value, kubeadmGroup, strings.Join(KubeadmAPIs, ", ")),
				"see kubeadm config migrate")...)
		default:
			f.cluster, f.api = doc, version
		}
	}
	if len(problems) == 0 && f.cluster.root == nil {
		f.api = host
		if host == "" {
			problems.Add(f.name, "there is no ClusterConfiguration in it", "see kubectl -n kube-system get configmap kubeadm-config")
		}
	}
	return problems.Err()
}

// KubeadmVersions are what a kubeadm configuration says: its API version, one of
// [KubeadmAPIs], and that of Kubernetes. Each is "" when it does not say, both
// when it cannot be read.
func KubeadmVersions(data []byte) (api, kubernetes string) {
	f, err := readKubeadm("", data)
	if err != nil {
		return "", ""
	}
	if n := valueOf(f.cluster.root, "kubernetesVersion"); n != nil && strings.HasPrefix(n.Value, "v1.") {
		kubernetes = n.Value
	}
	return f.api, kubernetes
}

// valueOf returns the value of key in a mapping, nil when there is none.
func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	if i := document.PairOf(mapping, key); i >= 0 {
		return mapping.Content[i+1]
	}
	return nil
}

// start is the offset of a node.
func (f *kubeadmFile) start(n *yaml.Node) int {
	at := f.lines[n.Line-1]
	if n.Line == 1 && bytes.HasPrefix(f.data, []byte("\xef\xbb\xbf")) {
		at += 3
	}
	for column := 1; column < n.Column && at < len(f.data); column++ {
		_, size := utf8.DecodeRune(f.data[at:])
		at += size
	}
	return at
}
