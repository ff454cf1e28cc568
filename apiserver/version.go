// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/auditsetup/auditsetup/document"
)

// The minors of Kubernetes 1 that the tables know about.
const (
	// OldestMinor is the first minor the flag table describes.
	OldestMinor = 13
	// OldestSupportedMinor is the first minor auditsetup works on.
	OldestSupportedMinor = 18
	// NewestMinor is the last minor the flag table describes. Of 1.38 only
	// alpha.2 was read.
	NewestMinor = 38
)

// ErrNoVersion is what errors.Is finds when an image reference says nothing of
// the version inside: it has no tag, or a tag such as "latest".
var ErrNoVersion = errors.New("the image tells no version")

// Version is a release of kube-apiserver. The zero value is no version; use
// [ParseVersion] or [VersionFromImage]. A pre-release, and a vendor's build,
// count as the release they are named after. Compare Minor and Patch, not
// whole values, since Raw differs between spellings.
type Version struct {
	// Minor is the y of 1.y.z. The major number is always 1.
	Minor int
	// Patch is the z of 1.y.z, -1 when not known.
	Patch int
	// Raw is the text the version was read from, with its suffix.
	Raw string
}

// versionText is a version with an optional patch and a suffix as the vendors
// write it: "-eks-1a2b", "+k3s1", "_vmware.1", "-rc.0".
var versionText = regexp.MustCompile(`^v?(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})(?:\.(0|[1-9][0-9]{0,5}))?(?:[-+_][0-9A-Za-z.+_-]+)?$`)

const versionHint = "write it as 1.37 or v1.37.1"

// ParseVersion reads "1.37", "v1.37.1" and whatever a vendor appends to it,
// as in "v1.30.2-eks-1a2b" or "v1.31.4+k3s1". The error is a
// [document.Problem] that belongs to no file.
func ParseVersion(s string) (Version, error) {
	m := versionText.FindStringSubmatch(s)
	if m == nil {
		return Version{}, document.Problem{
			What: fmt.Sprintf("%q is not a version of kubernetes", s), Hint: versionHint,
		}
	}
	if m[1] != "1" {
		return Version{}, document.Problem{
			What: fmt.Sprintf("%q is not a version of kubernetes 1", s), Hint: versionHint,
		}
	}
	v := Version{Minor: number(m[2]), Patch: -1, Raw: s}
	if m[3] != "" {
		v.Patch = number(m[3])
	}
	return v, nil
}

// number reads digits that versionText has let through, too few to overflow.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// VersionFromImage reads the version from the tag of an image reference such
// as "registry.k8s.io/kube-apiserver:v1.37.1". A registry port and a digest
// behind the tag are passed over. When the reference has no tag, or one that
// is no version, errors.Is(err, ErrNoVersion) holds, and
// [document.ProblemsOf] gives the problem with its hint.
func VersionFromImage(image string) (Version, error) {
	name, _, _ := strings.Cut(image, "@")
	// A colon before the last slash sets off the registry's port, not a tag.
	base := name[strings.LastIndexByte(name, '/')+1:]
	_, tag, tagged := strings.Cut(base, ":")
	if !tagged || tag == "" {
		return Version{}, noVersion{image, "it has no tag"}
	}
	v, err := ParseVersion(tag)
	if err != nil {
		return Version{}, noVersion{image, fmt.Sprintf("its tag %q is not one of kubernetes 1", tag)}
	}
	return v, nil
}

// noVersion is an ErrNoVersion that carries the image and a hint.
type noVersion struct{ image, why string }

func (e noVersion) problem() document.Problem {
	return document.Problem{
		What: fmt.Sprintf("the image %q tells no version: %s", e.image, e.why),
		Hint: "say which kubernetes runs, for example --kube-version 1.37",
	}
}

func (e noVersion) Error() string { return e.problem().Error() }

func (e noVersion) Is(target error) bool { return target == ErrNoVersion }

// Unwrap hands the problem to [document.ProblemsOf].
func (e noVersion) Unwrap() error { return document.Problems{e.problem()} }

// AtLeast reports whether v is 1.minor or later.
func (v Version) AtLeast(minor int) bool { return v.Minor >= minor }

// AtLeastPatch reports whether v is 1.minor.patch or later. An unknown patch
// counts as 0, the cautious answer to "is the fix in?".
func (v Version) AtLeastPatch(minor, patch int) bool {
	if v.Minor != minor {
		return v.Minor > minor
	}
	return max(v.Patch, 0) >= patch
}

// String gives "v1.37.1", or "1.37" when the patch is not known. The suffix of
// a vendor is left out; it is in Raw.
func (v Version) String() string {
	if v.Patch < 0 {
		return fmt.Sprintf("1.%d", v.Minor)
	}
	return fmt.Sprintf("v1.%d.%d", v.Minor, v.Patch)
}

// Supported returns nil for the minors that auditsetup works on, which are
// OldestSupportedMinor to NewestMinor, and a [document.Problem] for others.
func (v Version) Supported() error {
	switch {
	case v.Minor < OldestSupportedMinor:
		return document.Problem{
			What: fmt.Sprintf("kubernetes %s is too old: auditsetup works from 1.%d on", v, OldestSupportedMinor),
			Hint: fmt.Sprintf("upgrade the cluster, or pass --kube-version 1.%d or later if the version was read wrongly", OldestSupportedMinor),
		}
	case v.Minor > NewestMinor:
		return document.Problem{
			What: fmt.Sprintf("kubernetes %s is newer than what this auditsetup knows, which ends at 1.%d", v, NewestMinor),
			Hint: fmt.Sprintf("use a newer auditsetup, or pass --kube-version 1.%d to treat it as that", NewestMinor),
		}
	}
	return nil
}
