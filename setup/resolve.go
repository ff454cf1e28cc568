// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"fmt"
	"time"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/mix"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/tuning"
	"github.com/auditsetup/auditsetup/webhook"
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
	// WebhookData is the same of Spec.Webhook.ConfigFile.
	WebhookData []byte
	// HostFile gives a file of the control plane, so that the certificates which
	// the webhook's kubeconfig names can be looked at. Nil means that the control
	// plane is not at hand: then they are taken to be there and good.
	HostFile func(path string) ([]byte, error)
	// Now is held against the dates of certificates; the zero Time leaves those
	// unchecked.
	Now time.Time
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
	r.persist()
	profile := r.policy()
	r.receiver()
	r.paths()
	r.numbers(profile)
	r.program()
	r.flags()
	r.desired.Spec = r.spec
	r.problems.Sort()
	if err := r.problems.Err(); err != nil {
		return nil, err
	}
	d := r.desired
	d.Files = []File{{Path: r.spec.Policy.Path, Content: d.Policy, Mode: 0o600, Reason: "the audit policy, which the kube-apiserver reads when it starts"}}
	if d.Webhook != nil {
		d.Files = append(d.Files, File{Path: r.spec.Webhook.Path, Content: r.kubeconfig, Mode: 0o600, Secret: webhook.HoldsSecrets(r.kubeconfig),
			Reason: "where the events go, which the kube-apiserver reads when it starts"})
	}
	return d, nil
}

// resolving is the state of one Resolve.
type resolving struct {
	in       Input
	spec     Spec
	desired  *Desired
	problems document.Problems
	// kubeconfig is the text of desired.Webhook.
	kubeconfig []byte
	// guess is what requests come to, as far as nobody said, load what all of it
	// comes to, and largest what an event may have in bytes, 0 when not known.
	guess   Guess
	load    tuning.Load
	largest int64
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
	s.Backends = s.Sinks()
	if s.Uses(LogBackend) {
		fill(&s.Log.Path, DefaultLogPath)
		fill(&s.Log.Mode, s.ModeOf(LogBackend))
	}
	if s.Uses(WebhookBackend) {
		fill(&s.Webhook.Path, DefaultWebhookPath)
		fill(&s.Webhook.Mode, s.ModeOf(WebhookBackend))
	}
	if s.Policy.File == "" {
		fill(&s.Policy.Profile, DefaultProfile)
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

// guessing is what the policy was found to make. One that is not a profile, or
// more than a profile, is held against the requests of a typical cluster; so is
// any where its largest events are asked for.
func (r *resolving) guessing(from profiles.Profile) Guess {
	own := r.spec.Policy.File != "" || len(r.spec.Policy.ExtraRules) > 0
	if r.desired.Policy == nil || !own && r.spec.Receiver == "" {
		return GuessOf(from)
	}
	p, err := policy.Read("", r.desired.Policy, r.desired.Version)
	if err != nil {
		return GuessOf(from) // it was reported where it stands
	}
	e := mix.Of(p)
	r.largest = e.MaxEventBytes
	if !own {
		return GuessOf(from)
	}
	return guessFrom(e)
}

// numbers runs the calculator.
func (r *resolving) numbers(from profiles.Profile) {
	if v := r.desired.Version; r.spec.Log.Compress && r.known() && !v.AtLeast(20) {
		r.add("log.compress", fmt.Sprintf("kube-apiserver %s cannot compress rotated files: --audit-log-compress came with 1.20", v), "leave it out")
		r.spec.Log.Compress = false // so that nobody else complains of it
	}
	r.guess = r.guessing(from)
	load, assumed, problems := r.spec.Tuning(r.guess, r.in.Origins)
	r.desired.Estimates = assumed
	r.load = load
	result, err := tuning.Plan(load, r.spec.Tuned())
	r.problems = append(append(r.problems, problems...), r.in.Origins.Place(document.ProblemsOf(err))...)
	r.desired.Numbers = result
	for _, w := range result.Warnings {
		if w.About == "--retention" && r.spec.Log.Retention == "" && r.spec.Log.DiskBudget == "" {
			continue // two defaults that do not fit each other are no mistake of anybody's; the numbers tell
		}
		r.desired.Warnings = append(r.desired.Warnings, r.in.Origins.Place(document.Problems{{File: w.About, What: w.What, Hint: w.Hint}})...)
	}
}
