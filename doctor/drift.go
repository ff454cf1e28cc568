// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/manifest"
)

// What the manifest is compared with.
const (
	// Running is the process, Record what enable wrote, Spec what it was asked for
	// comes to, and KubeadmConfig what kubeadm upgrade would write.
	Running       = "running"
	Record        = "record"
	Spec          = "spec"
	KubeadmConfig = "kubeadm-config"
)

// Difference is one between the manifest and something else.
type Difference struct {
	// Between is Running, Record, Spec or KubeadmConfig.
	Between string
	// Name is that of a flag with its dashes, or of a volume, mount or annotation.
	Name string
	// Manifest is the value there, Other the other one. Each is empty as well where
	// there is none, and both are for flags that are none of audit.
	Manifest, Other string
	// Line is that of the manifest, 0 when it is not there.
	Line int
	// Text says it in words.
	Text string
}

// Differences are all that are known of, in the order of Between.
func (f *Facts) Differences() []Difference {
	if f.Manifest == nil {
		return nil
	}
	record := f.fromRecord()
	return slices.Concat(f.fromRunning(), record, f.fromSpec(record), f.fromKubeadm())
}

func (f *Facts) fromRunning() []Difference {
	if f.Process == nil || f.Process.AsManifest {
		return nil
	}
	all := f.compare(Running, runningFlags(f.Process.Args), fmt.Sprintf("the running kube-apiserver, process %d,", f.Process.PID))
	if others := otherFlags(f.Process.Args, f.Manifest.Command()); others != "" {
		all = append(all, Difference{Between: Running, Name: others, Text: fmt.Sprintf("the running kube-apiserver, process %d, differs in %s", f.Process.PID, others)})
	}
	return all
}

// compare holds the audit flags of the manifest against others.
func (f *Facts) compare(between string, other map[string]string, who string) []Difference {
	var all []Difference
	names := map[string]bool{}
	for name := range other {
		names[name] = true
	}
	for _, s := range f.Manifest.AuditSettings() {
		names[s.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		s, here := f.Flag(name)
		value, there := other[name]
		if here == there && s.Value == value {
			continue
		}
		d := Difference{Between: between, Name: "--" + name, Manifest: s.Value, Other: value, Line: s.Line}
		switch {
		case !there:
			d.Text = fmt.Sprintf("--%s=%s is in the manifest, and %s has none", name, s.Value, who)
		case !here:
			d.Text = fmt.Sprintf("%s has --%s=%s, and the manifest has none", who, name, value)
		default:
			d.Text = fmt.Sprintf("--%s is %s in the manifest, and %s has %s", name, s.Value, who, value)
		}
		all = append(all, d)
	}
	return all
}

// AuditFlags are those of the command line, by name without dashes.
func (p *Process) AuditFlags() map[string]string { return runningFlags(p.Args) }

// runningFlags are the audit flags of a command line, read as the kube-apiserver
// does: the last one counts.
func runningFlags(args []string) map[string]string {
	flags := map[string]string{}
	for i, arg := range args {
		text, isFlag := strings.CutPrefix(arg, "--")
		name, value, inline := strings.Cut(text, "=")
		name = strings.ReplaceAll(name, "_", "-")
		if !isFlag || !strings.HasPrefix(name, "audit-") {
			continue
		}
		fact, _ := apiserver.Lookup(name)
		switch {
		case inline:
		case fact.Type == "bool":
			value = "true"
		case i+1 < len(args) && !strings.HasPrefix(args[i+1], "--"):
			value = args[i+1]
		}
		flags[name] = value
	}
	return flags
}

// otherFlags names the flags but those of audit that are on one command line
// only. Their values may be anything, and are not shown.
func otherFlags(a, b []string) string {
	var names []string
	for _, pair := range [][2][]string{{a, b}, {b, a}} {
		for _, arg := range pair[0] {
			name, _, _ := strings.Cut(arg, "=")
			// what the kubelet puts in for a variable is not known here
			if strings.HasPrefix(name, "--") && !strings.HasPrefix(name, "--audit") && !strings.Contains(arg, "$(") && !slices.Contains(pair[1], arg) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	const shown = 5
	text := strings.Join(names[:min(len(names), shown)], ", ")
	if more := len(names) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// fromRecord compares with what enable wrote, which the manifest itself
// remembers.
func (f *Facts) fromRecord() []Difference {
	if !f.Manifest.Changed() {
		return nil
	}
	undone, err := manifest.Undo(f.Manifest)
	if err != nil {
		return []Difference{{Between: Record, Text: "what enable wrote cannot be told apart any more: " + err.Error()}}
	}
	var all []Difference
	for _, d := range undone.Drift {
		one := Difference{Between: Record, Name: d.What, Manifest: d.Found, Other: d.Wrote, Line: d.Line}
		one.Text = fmt.Sprintf("%s was changed by hand from %s to %s", d.What, d.Wrote, d.Found)
		if d.Gone {
			one.Text = d.What + " was taken out by hand"
		}
		all = append(all, one)
	}
	for _, s := range f.Manifest.AuditSettings() {
		drifted := slices.ContainsFunc(undone.Drift, func(d manifest.Drift) bool { return d.What == "--"+s.Name })
		if !s.Ours && !drifted && !f.Manifest.TakenOver(s.Name) {
			all = append(all, Difference{Between: Record, Name: "--" + s.Name, Manifest: s.Value, Line: s.Line,
				Text: fmt.Sprintf("--%s=%s was put in beside what enable wrote", s.Name, s.Value)})
		}
	}
	return all
}

// fromSpec compares with what enable was asked for: it comes to something else
// with another version of Kubernetes or of auditsetup, or when kubeadm has
// written an older setup. What is in told is not told again.
func (f *Facts) fromSpec(told []Difference) []Difference {
	switch {
	case f.Wanted == nil:
		return nil
	case !f.AuditOn():
		return []Difference{{Between: Spec, Name: "audit", Text: "audit was asked for, and is off in the manifest"}}
	}
	return slices.DeleteFunc(f.compare(Spec, f.Wanted, "the spec of last time"), func(d Difference) bool {
		return slices.ContainsFunc(told, func(t Difference) bool { return t.Name == d.Name })
	})
}

// fromKubeadm compares with what kubeadm upgrade writes the manifest from.
func (f *Facts) fromKubeadm() []Difference {
	if f.Kubeadm == nil {
		return nil
	}
	flags, patches := map[string]string{}, ""
	maps.Copy(flags, f.Kubeadm.Flags)
	if f.Patches != nil {
		maps.Copy(flags, f.Patches.Flags)
		patches = f.Patches.Text
	}
	all := f.compare(KubeadmConfig, flags, KubeadmConfig)
	for _, m := range f.Mounts() {
		host, there := f.Kubeadm.Volumes[path.Clean(m.MountPath)]
		if there && path.Clean(host) == path.Clean(m.HostPath) || defaultVolume(m.MountPath) || strings.Contains(patches, m.MountPath) {
			continue
		}
		all = append(all, Difference{Between: KubeadmConfig, Name: "volume " + m.Name, Manifest: m.HostPath, Other: host, Line: f.volumeLine(m.Name),
			Text: fmt.Sprintf("the volume %s, for %s, is not in %s", m.Name, m.MountPath, KubeadmConfig)})
	}
	return all
}

// defaultVolume tells the mounts that kubeadm makes by itself
// (k8s.io/kubernetes cmd/kubeadm/app/phases/controlplane/volumes.go).
func defaultVolume(mountPath string) bool {
	return slices.Contains([]string{"/etc/kubernetes/pki", "/etc/ssl/certs", "/etc/pki", "/etc/pki/ca-trust", "/etc/pki/tls/certs",
		"/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"}, path.Clean(mountPath))
}

// stamp is a time as people read it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
