// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package kinds

import (
	"testing"

	"github.com/auditsetup/auditsetup/apiserver"
)

// What is said of resources goes by those that there are: what is not is said
// where that is shorter, and never in two steps.
func TestAmongInWords(t *testing.T) {
	t.Parallel()
	known := apiserver.Version{Minor: apiserver.NewestMinor}.Resources()
	all := Set{Except: true, Words: []string{}}
	of := func(words ...string) Set { return Set{Words: words} }
	but := func(words ...string) Set { return Set{Except: true, Words: words} }
	for _, tt := range []struct {
		want string
		sets []ResourceSet
	}{
		{"any verb on any resource in core but secrets", []ResourceSet{{Groups: of(""), Resources: but("secrets"), Subresources: all}}},
		{"any verb on nodes/proxy, pods/proxy, services/proxy (core)", []ResourceSet{{Groups: of(""), Resources: of("nodes", "pods", "services"), Subresources: of("proxy")}}},
		{"any verb on runtimeclasses (node.k8s.io)", []ResourceSet{{Groups: of("node.k8s.io"), Resources: of("runtimeclasses", "x"), Subresources: of("", "y")}}},
		{"any verb on */status in apps, batch", []ResourceSet{{Groups: of("apps", "batch"), Resources: all, Subresources: of("status")}}},
		{"any verb on any resource in apps, batch but */status", []ResourceSet{{Groups: of("apps", "batch"), Resources: all, Subresources: but("status")}}},
		{"any verb on cronjobs with subresources (batch)", []ResourceSet{{Groups: of("batch"), Resources: of("cronjobs"), Subresources: all}}},
		{"any verb on any subresource of secrets (core)", []ResourceSet{{Groups: of(""), Resources: of("secrets"), Subresources: but("")}}},
		{"any verb on any resource in any group but core; any resource in core but secrets", []ResourceSet{
			{Groups: but(""), Resources: all, Subresources: all}, {Groups: of(""), Resources: but("secrets"), Subresources: all}}},
		{"any verb on any resource in any group that is not built in", []ResourceSet{{Groups: but(known.Groups()...), Resources: all, Subresources: all}}},
		{"any verb on any resource in any group that is neither built in nor one of example.com", []ResourceSet{{Groups: but(append(known.Groups(), "example.com")...), Resources: all, Subresources: all}}},
		{"any verb on any resource but widgets in example.com", []ResourceSet{{Groups: of("example.com"), Resources: but("widgets"), Subresources: all}}},
	} {
		k := Kind{Verbs: all, Names: all, Namespaces: all, Resources: tt.sets}
		if got := k.Among(known).String(); got != tt.want {
			t.Errorf("%s\nbecomes  %s\nand not  %s", k, got, tt.want)
		}
	}
	paths := Kind{Verbs: all, Names: all, Namespaces: all, Paths: []PathSet{{Path: "/x"}}}
	if got := paths.Among(known).String(); got != "any verb on /x" {
		t.Error(got)
	}
}
