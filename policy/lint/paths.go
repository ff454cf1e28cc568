// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"slices"
	"strings"
)

var pathChecks = []Check{
	{
		ID: "resource-path", Family: "paths", Severity: Warning,
		Title:  "the path of a resource among nonResourceURLs",
		Why:    "what is below /api/VERSION and /apis/GROUP/VERSION is for resources, which no entry of nonResourceURLs is compared with",
		Remedy: "write it under resources",
		Source: requestSource + "; " + checkerSource,
		find:   resourcePaths,
	},
	{
		ID: "unknown-path", Family: "paths", Severity: Info,
		Title:  "a path that kube-apiserver does not answer",
		Why:    "only requests that end in 404 match it: it is spelled wrongly, or of another minor",
		Remedy: "check the spelling, or remove it",
		Source: "package apiserver, resources_paths.go, from k8s.io/apiserver pkg/server/routes",
		find:   unknownPaths,
	},
	{
		ID: "path-below-only", Family: "paths", Severity: Info,
		Title:  "PATH/* without PATH itself",
		Why:    "\"/healthz/*\" matches /healthz/etcd, but not /healthz, which is what is asked most",
		Remedy: "add the path itself",
		Source: checkerSource,
		find:   pathsBelowOnly,
	},
}

// isResourcePath says whether all paths of an entry are for resources, as
// NewRequestInfo counts their parts.
func isResourcePath(entry string) bool {
	parts := strings.Split(strings.Trim(strings.TrimRight(entry, "*"), "/"), "/")
	return parts[0] == "api" && len(parts) > 2 || parts[0] == "apis" && len(parts) > 3
}

func resourcePaths(s *subject) []Finding {
	var found []Finding
	for _, l := range s.lists("nonResourceURLs") {
		for n, entry := range l.words {
			if isResourcePath(entry) {
				found = append(found, s.at(l.item(n), fmt.Sprintf("%s is the path of a resource, which nonResourceURLs never match", entry), ""))
			}
		}
	}
	return found
}

func unknownPaths(s *subject) []Finding {
	var found []Finding
	for _, l := range s.lists("nonResourceURLs") {
		for n, entry := range l.words {
			if strings.HasPrefix(entry, "/") && !isResourcePath(entry) && !s.version.ServesPath(entry) {
				found = append(found, s.at(l.item(n), fmt.Sprintf("kube-apiserver %s answers no path %s", s.version, entry), ""))
			}
		}
	}
	return found
}

func pathsBelowOnly(s *subject) []Finding {
	var found []Finding
	for _, l := range s.lists("nonResourceURLs") {
		for n, entry := range l.words {
			itself, below := strings.CutSuffix(entry, "/*")
			if !below || itself == "" || strings.Contains(itself, "*") || !s.version.ServesPath(itself) {
				continue
			}
			covers := func(other string) bool {
				begin, star := strings.CutSuffix(other, "*")
				return other == itself || star && strings.HasPrefix(itself, begin)
			}
			if !slices.ContainsFunc(l.words, covers) {
				found = append(found, s.at(l.item(n), fmt.Sprintf("%s does not match %s itself", entry, itself), ""))
			}
		}
	}
	return found
}
