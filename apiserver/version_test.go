// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"strings"
	"testing"

	"github.com/auditsetup/auditsetup/document"
)

var versionCases = []struct {
	in           string
	minor, patch int
	printed      string
}{
	{"1.37", 37, -1, "1.37"},
	{"v1.37", 37, -1, "1.37"},
	{"1.37.1", 37, 1, "v1.37.1"},
	{"v1.37.1", 37, 1, "v1.37.1"},
	{"1.37.1-rc.0", 37, 1, "v1.37.1"},
	{"v1.38.0-alpha.2", 38, 0, "v1.38.0"},
	{"v1.30.2-eks-1a2b", 30, 2, "v1.30.2"},
	{"v1.31.4+k3s1", 31, 4, "v1.31.4"},
	{"v1.31.4-rke2r1-build20241212", 31, 4, "v1.31.4"},
	{"v1.27.5_vmware.1-fips.1", 27, 5, "v1.27.5"},
	{"1.30-eks", 30, -1, "1.30"},
	{"1.0.0", 0, 0, "v1.0.0"},
}

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for _, c := range versionCases {
		v, err := ParseVersion(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if want := (Version{Minor: c.minor, Patch: c.patch, Raw: c.in}); v != want {
			t.Errorf("%s: got %+v, want %+v", c.in, v, want)
		}
		if v.String() != c.printed {
			t.Errorf("%s: printed as %s, want %s", c.in, v, c.printed)
		}
	}
}

var notVersions = []string{
	"", "v", "1", "v1", "1.", "1.x", "1.37.", "1.37.x", "1.37.1.2", "1.37.1-", "1.37+", "1.37.1 ", " 1.37", "01.37",
	"1.037", "1.37.01", "2.0", "0.37", "10.37.1", "v2.1.3", "-1.37", "1.-37", "latest", "V1.37.1", "1.37.1-\n", "1.1234567",
	"1.37.99999999999999999999", "1,37", "sha256:1234",
}

func TestParseVersionRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range notVersions {
		v, err := ParseVersion(in)
		if err == nil {
			t.Errorf("%q: read as %+v", in, v)
			continue
		}
		var p document.Problem
		if !errors.As(err, &p) || p.Hint == "" || !strings.Contains(p.What, "not a version") {
			t.Errorf("%q: error %#v is no problem with a hint", in, err)
		}
	}
}

func TestVersionFromImage(t *testing.T) {
	t.Parallel()
	const digest = "@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	for image, want := range map[string]string{
		"registry.k8s.io/kube-apiserver:v1.37.1":                 "v1.37.1",
		"kube-apiserver:v1.37.1":                                 "v1.37.1",
		"kube-apiserver:1.37":                                    "1.37",
		"reg:5000/kube-apiserver:v1.30.2-eks-1a2b":               "v1.30.2",
		"reg.example:5000/a/b/kube-apiserver:v1.31.4-k3s1":       "v1.31.4",
		"registry.k8s.io/kube-apiserver:v1.37.1" + digest:        "v1.37.1",
		"reg:5000/kube-apiserver:v1.30.2" + digest:               "v1.30.2",
		"[::1]:5000/kube-apiserver:v1.30.2":                      "v1.30.2",
		"registry.k8s.io/kube-apiserver-amd64:v1.24.4":           "v1.24.4",
		"projects.registry.vmware.com/k:v1.27.5_vmware.1-fips.1": "v1.27.5",
	} {
		v, err := VersionFromImage(image)
		if err != nil || v.String() != want {
			t.Errorf("%s: got %v, %v, want %s", image, v, err, want)
		}
	}
	for _, image := range []string{
		"", "kube-apiserver", "registry.k8s.io/kube-apiserver", "reg:5000/kube-apiserver", "reg:5000/kube-apiserver" + digest,
		"kube-apiserver" + digest, "kube-apiserver:latest", "kube-apiserver:", "kube-apiserver:stable" + digest,
		"registry.k8s.io/etcd:3.5.1-0", "v1.37.1", "reg:1.37/kube-apiserver", "a@v:v1.37.1",
	} {
		if v, err := VersionFromImage(image); err == nil {
			t.Errorf("%s: read as %s", image, v)
		} else {
			checkNoVersion(t, image, err)
		}
	}
}

func checkNoVersion(t *testing.T, image string, err error) {
	t.Helper()
	ps := document.ProblemsOf(err)
	if !errors.Is(err, ErrNoVersion) || len(ps) != 1 {
		t.Fatalf("%q: error %#v, problems %v", image, err, ps)
	}
	if !strings.Contains(ps[0].Hint, "--kube-version") || !strings.Contains(ps[0].What, "tells no version") || ps[0].Error() != err.Error() {
		t.Errorf("%q: what %q, hint %q, error %q", image, ps[0].What, ps[0].Hint, err)
	}
}

func TestAtLeast(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v            string
		minor, patch int
		want         bool
	}{
		{"1.22.12", 22, 13, false},
		{"1.22.13", 22, 13, true},
		{"1.22.14", 22, 13, true},
		{"1.21.99", 22, 13, false},
		{"1.23.0", 22, 13, true},
		{"1.22", 22, 13, false}, // an unknown patch is no promise
		{"1.22", 22, 0, true},
		{"1.23", 22, 13, true},
	} {
		if got := parsed(t, c.v).AtLeastPatch(c.minor, c.patch); got != c.want {
			t.Errorf("%s at least 1.%d.%d: %v", c.v, c.minor, c.patch, got)
		}
	}
	for v, want := range map[string]bool{"1.35.9": false, "1.36": true, "1.36.0": true, "1.37.1": true} {
		if got := parsed(t, v).AtLeast(36); got != want {
			t.Errorf("%s at least 1.36: %v", v, got)
		}
	}
}

func TestSupported(t *testing.T) {
	t.Parallel()
	for v, want := range map[string]string{
		"1.0": "too old", "1.17.17": "too old", "1.18": "", "v1.37.1": "", "1.38.0-alpha.2": "", "1.39": "newer", "1.100": "newer",
	} {
		err := parsed(t, v).Supported()
		if want == "" && err == nil {
			continue
		}
		ps := document.ProblemsOf(err)
		if want == "" || len(ps) != 1 || !strings.Contains(ps[0].What, want) || !strings.Contains(ps[0].Hint, "--kube-version") {
			t.Errorf("%s: got %#v, want %q", v, err, want)
		}
	}
}

func parsed(t *testing.T, s string) Version {
	t.Helper()
	v, err := ParseVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func FuzzParseVersion(f *testing.F) {
	for _, c := range versionCases {
		f.Add(c.in)
	}
	for _, s := range notVersions {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseVersion(s)
		if err != nil {
			return
		}
		again, err := ParseVersion(v.String())
		if err != nil || again.Minor != v.Minor || again.Patch != v.Patch || again.String() != v.String() {
			t.Errorf("%q: %+v printed as %s and read back as %+v, %v", s, v, v, again, err)
		}
		if v.Raw != s || v.Minor < 0 || v.Patch < -1 {
			t.Errorf("%q: %+v", s, v)
		}
		fromImage, err := VersionFromImage("reg:5000/kube-apiserver:" + s)
		if err != nil || fromImage != v {
			t.Errorf("%q as a tag: %+v, %v", s, fromImage, err)
		}
	})
}

func FuzzVersionFromImage(f *testing.F) {
	for _, s := range []string{"registry.k8s.io/kube-apiserver:v1.37.1", "reg:5000/a@sha256:00", "a:1.2@b", ":", "/", "@", "a/:v1.2.3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, image string) {
		v, err := VersionFromImage(image)
		if err != nil {
			checkNoVersion(t, image, err)
			return
		}
		if !strings.Contains(image, ":"+v.Raw) {
			t.Errorf("%q: %q is not its tag", image, v.Raw)
		}
	})
}
