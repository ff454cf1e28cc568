// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"fmt"
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/tuning"
)

// DefaultProfile is taken when nobody says what to record.
const DefaultProfile = "recommended"

// Input is what Resolve works on.
type Input struct {
	Spec    Spec
	Origins Origins
	// Image of the kube-apiserver's container, which tells the version unless
	// the Spec does. May be empty then. What is wrong with it is reported at the
	// origin "image".
	Image string
	// RunAsUser is the user id that the manifest names for the kube-apiserver; 0
	// is root. Another one is refused, at the origin "image".
	RunAsUser int64
	// Manifest is the path of the static pod on the host; empty means
	// DefaultManifest.
	Manifest string
	// StateDir is a folder of the host that is auditsetup's own, in which neither
	// policy nor log may lie. Empty means that there is none.
	StateDir string
	// PolicyData is the content of the file that Spec.Policy.File names. Nil
	// means that it could not be read, which the caller reports. Not looked at
	// when the Spec names no file.
	PolicyData []byte
}

// Resolve turns a wish into everything that it takes on a kube-apiserver of
// the version in question. The error is [document.Problems]: everything that
// is wrong, at the place where it was said. Without a version, what does not
// depend on it is checked all the same.
func Resolve(in Input) (*Desired, error) {
	r := newResolving(in)
	r.version()
	return r.resolve()
}

// Check reports what is wrong with a wish whatever the version, for callers
// that cannot tell the version since something else is wrong already.
func Check(in Input) document.Problems {
	r := newResolving(in)
	_, err := r.resolve()
	return document.ProblemsOf(err)
}

func newResolving(in Input) *resolving {
	if in.Manifest == "" {
		in.Manifest = DefaultManifest
	}
	return &resolving{in: in, spec: in.Spec.withDefaults(), desired: &Desired{}}
}

func (r *resolving) resolve() (*Desired, error) {
	if uid := r.in.RunAsUser; uid != 0 {
		r.add("image", fmt.Sprintf("the kube-apiserver runs as user %d, who could neither read the policy nor write the log: both will be root's alone", uid),
			"take runAsUser out of the manifest (kubeadm: the feature gate RootlessControlPlane) before audit is turned on")
	}
	r.backends()
	profile := r.policy()
	r.paths()
	r.numbers(profile)
	r.flags()
	r.desired.Spec = r.spec
	r.problems.Sort()
	if err := r.problems.Err(); err != nil {
		return nil, err
	}
	d := r.desired
	d.Files = []File{{Path: r.spec.Policy.Path, Content: d.Policy, Mode: 0o600, Reason: "the audit policy, which the kube-apiserver reads when it starts"}}
	return d, nil
}

// resolving is the state of one Resolve.
type resolving struct {
	in       Input
	spec     Spec
	desired  *Desired
	problems document.Problems
}

// add notes a problem with the value at a path of the Spec.
func (r *resolving) add(path, what, hint string) {
	r.problems = append(r.problems, r.in.Origins.Problem(path, what, hint))
}

func (s Spec) withDefaults() Spec {
	fill := func(into *string, value string) {
		if *into == "" {
			*into = value
		}
	}
	fill(&s.Policy.Path, DefaultPolicyPath)
	fill(&s.Log.Path, DefaultLogPath)
	fill(&s.Log.Mode, "blocking")
	if s.Policy.File == "" {
		fill(&s.Policy.Profile, DefaultProfile)
	}
	if len(s.Backends) == 0 {
		s.Backends = []Backend{LogBackend}
	}
	return s
}

// version settles which kube-apiserver it is, or notes why that cannot be
// said. What the Spec says wins over the image, and a difference between the
// two is worth a warning.
func (r *resolving) version() {
	fromImage, imageErr := apiserver.VersionFromImage(r.in.Image)
	at, v, err := "image", fromImage, imageErr
	if r.spec.KubeVersion != "" {
		at = "kubeVersion"
		v, err = apiserver.ParseVersion(r.spec.KubeVersion)
	}
	if err == nil {
		err = v.Supported()
	}
	if err != nil {
		for _, p := range document.ProblemsOf(err) {
			r.add(at, p.What, p.Hint)
		}
		return
	}
	if imageErr == nil && fromImage.Minor != v.Minor {
		r.desired.Warnings = append(r.desired.Warnings, r.in.Origins.Problem("kubeVersion",
			fmt.Sprintf("%s was asked for, but the image is of %s", v, fromImage), "leave it out to go by the image"))
	}
	r.desired.Version = v
}

// known tells whether the version is.
func (r *resolving) known() bool { return r.desired.Version.Minor > 0 }

func (r *resolving) backends() {
	for i, b := range r.spec.Backends {
		at := "backends"
		if _, ok := r.in.Origins[fmt.Sprintf("backends[%d]", i)]; ok {
			at = fmt.Sprintf("backends[%d]", i)
		}
		switch {
		case b == WebhookBackend:
			r.add(at, "the webhook backend cannot be set up by this version of auditsetup, only planned", "leave it out; auditsetup plan --backend webhook gives its numbers")
		case b != LogBackend:
			r.add(at, fmt.Sprintf("%q is no backend", b), "the backend to set up is log")
		case slices.Index(r.spec.Backends, b) != i:
			r.add(at, fmt.Sprintf("backend %q is given twice", b), "name it once")
		}
	}
	if m := r.spec.Log.Mode; m != "blocking" && m != "batch" {
		r.add("log.mode", fmt.Sprintf("%q is no mode for the log", m), "the modes are blocking and batch")
	}
}

// policy finds the policy for the version. A profile's text is not read again
// here: a test reads that of every profile for every version, and this way a
// run starts sooner by half. The profile is the zero one when the policy is the
// administrator's own.
func (r *resolving) policy() profiles.Profile {
	var profile profiles.Profile
	if r.spec.Policy.File != "" {
		if r.spec.Policy.Profile != "" {
			r.add("policy.profile", "a profile and a policy file are both given", "leave one of them out")
			return profile
		}
		if r.in.PolicyData == nil {
			return profile
		}
		p, err := policy.Read(r.spec.Policy.File, r.in.PolicyData, r.desired.Version)
		r.problems = append(r.problems, document.ProblemsOf(err)...)
		if err == nil {
			r.desired.Policy, r.desired.Notes = p.Bytes(), append(r.desired.Notes, p.Notes...)
		}
		return profile
	}
	profile, ok := profiles.Lookup(r.spec.Policy.Profile)
	if !ok {
		r.add("policy.profile", fmt.Sprintf("%q is no profile", r.spec.Policy.Profile), "the profiles are "+strings.Join(profiles.Names(), ", "))
		return profile
	}
	if !r.known() {
		return profile
	}
	text, err := profile.Policy(r.desired.Version)
	if err != nil {
		r.add("policy.profile", err.Error(), "")
	}
	r.desired.Policy = text
	return profile
}

// numbers runs the calculator.
func (r *resolving) numbers(from profiles.Profile) {
	if v := r.desired.Version; r.spec.Log.Compress && r.known() && !v.AtLeast(20) {
		r.add("log.compress", fmt.Sprintf("kube-apiserver %s cannot compress rotated files: --audit-log-compress came with 1.20", v), "leave it out")
		r.spec.Log.Compress = false // so that nobody else complains of it
	}
	load, assumed, problems := r.spec.Tuning(from, r.in.Origins)
	r.desired.Estimates = assumed
	result, err := tuning.Plan(load, tuning.Backends{Log: true, LogBatch: r.spec.Log.Mode == "batch"})
	r.problems = append(append(r.problems, problems...), r.in.Origins.Place(document.ProblemsOf(err))...)
	r.desired.Numbers = result
	for _, w := range result.Warnings {
		if w.About == "--retention" && r.spec.Log.Retention == "" && r.spec.Log.DiskBudget == "" {
			continue // two defaults that do not fit each other are no mistake of anybody's; the numbers tell
		}
		r.desired.Warnings = append(r.desired.Warnings, r.in.Origins.Place(document.Problems{{File: w.About, What: w.What, Hint: w.Hint}})...)
	}
}
