// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
)

// Split takes a line apart as a shell does, with quotes and backslashes and
// nothing else, and ends at what would be another command.
func Split(text string) []string {
	var words []string
	var word strings.Builder
	begun, quote, escaped := false, rune(0), false
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	for _, c := range text {
		switch {
		case escaped:
			word.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, begun = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, begun = c, true
		case quote == 0 && strings.ContainsRune("|;&<>", c):
			end()
			return words
		case quote == 0 && strings.ContainsRune(" \t\r\n", c):
			end()
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	end()
	return words
}

// IsKubectl says whether a word starts a line of kubectl.
func IsKubectl(word string) bool { return word == "kubectl" || word == "k" }

// FromKubectl are the requests that a line of kubectl makes, in their order, as
// kubectl v1.37 does (pkg/cmd of k8s.io/kubectl). What it asks to know the server,
// which it keeps for hours, is left out. read gives the content of a file of -f;
// with nil, files are not read. The error is a [document.Problem].
func FromKubectl(words []string, known apiserver.Resources, read func(name string) ([]byte, error)) ([]Request, error) {
	k := &kubectl{known: known, read: read, flags: map[string][]string{}}
	if len(words) > 0 && IsKubectl(words[0]) {
		words = words[1:]
	}
	k.parse(words)
	if len(k.words) == 0 {
		return nil, document.Problem{File: "kubectl", What: "the line has no command", Hint: "write it as in kubectl -n shop get secrets"}
	}
	k.namespace = k.flag("namespace")
	k.across = k.has("all-namespaces")
	if k.namespace == "" {
		k.namespace = "default"
	}
	name := k.words[0]
	run, ok := commands[name]
	if !ok {
		return nil, document.Problem{File: "kubectl", What: fmt.Sprintf("%q is no command of it that makes requests", name), Hint: document.Suggest(name, commandNames())}
	}
	k.words = k.words[1:]
	if err := run(k); err != nil {
		return nil, err
	}
	k.remarks()
	return k.steps, nil
}

func commandNames() []string {
	var names []string
	for name := range commands {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// kubectl is a line of it, and the requests that it comes to.
type kubectl struct {
	known     apiserver.Resources
	read      func(string) ([]byte, error)
	words     []string
	flags     map[string][]string
	namespace string
	across    bool
	steps     []Request
}

// remarks are about the line as a whole, and stand with its first request.
func (k *kubectl) remarks() {
	if len(k.steps) == 0 {
		return
	}
	first := &k.steps[0]
	if as := k.flag("as"); as != "" {
		first.Notes = append(first.Notes, fmt.Sprintf("policies see who impersonates, not %s", as))
	}
	inNamespace := slices.ContainsFunc(k.steps, func(r Request) bool { return r.Namespace == "default" })
	if inNamespace && k.flag("namespace") == "" && !k.across {
		first.Notes = append(first.Notes, "without -n, kubectl takes the namespace of its context, here default")
	}
}

// withValue are flags that take the next word, and shorts what letters mean.
var (
	withValue = []string{
		"namespace", "context", "cluster", "user", "as", "as-group", "as-uid", "kubeconfig", "server", "token", "request-timeout", "v",
		"selector", "output", "filename", "kustomize", "field-selector", "container", "since", "since-time", "tail", "type", "patch",
		"patch-file", "replicas", "subresource", "sort-by", "template", "for", "timeout", "image", "port", "target-port", "raw", "min", "max",
		"grace-period", "label-columns", "field-manager", "limits", "requests", "name", "chunk-size", "pod-running-timeout", "address", "env",
		"from-literal", "from-file", "from-env-file", "duration", "audience", "target", "profile", "copy-to", "max-log-requests", "revision",
		"to-revision", "verb", "resource", "resource-name", "clusterrole", "role", "group", "serviceaccount", "schedule", "pod-selector", "overrides", "restart",
	}
	shorts = map[byte]string{
		'n': "namespace", 'l': "selector", 'o': "output", 'f': "filename", 'k': "kustomize", 'c': "container", 's': "server", 'L': "label-columns",
		'A': "all-namespaces", 'w': "watch", 'v': "v", 'e': "env",
	}
)

// parse takes flags and words apart. What follows -- is for somebody else.
func (k *kubectl) parse(words []string) {
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		switch {
		case word == "--":
			return
		case strings.HasPrefix(word, "--"):
			name, value, given := strings.Cut(word[2:], "=")
			if !given && slices.Contains(withValue, name) && len(words) > 0 {
				value, words = words[0], words[1:]
			}
			k.flags[name] = append(k.flags[name], value)
		case len(word) > 1 && word[0] == '-':
			words = k.letters(word[1:], words)
		default:
			k.words = append(k.words, word)
		}
	}
}

// letters takes flags such as -it or -nshop.
func (k *kubectl) letters(letters string, words []string) []string {
	command := ""
	if len(k.words) > 0 {
		command = k.words[0]
	}
	for i := range len(letters) {
		name := shorts[letters[i]]
		switch {
		case letters[i] == 'f' && command == "logs":
			name = "follow"
		case letters[i] == 'p' && command == "patch":
			name = "patch"
		}
		if !slices.Contains(withValue, name) {
			k.flags[name] = append(k.flags[name], "")
			continue
		}
		value := strings.TrimPrefix(letters[i+1:], "=")
		if value == "" && len(words) > 0 {
			value, words = words[0], words[1:]
		}
		k.flags[name] = append(k.flags[name], value)
		return words
	}
	return words
}

func (k *kubectl) has(flag string) bool {
	values, given := k.flags[flag]
	return given && values[0] != "false"
}

func (k *kubectl) flag(name string) string {
	if values := k.flags[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}
