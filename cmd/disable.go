// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/manifest"
	"github.com/auditsetup/auditsetup/node"
	"github.com/auditsetup/auditsetup/persist"
	"github.com/auditsetup/auditsetup/render"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/webhook"
	"github.com/spf13/cobra"
	help "k8s.io/kubectl/pkg/util/templates"
)

type disableOptions struct {
	consent

	hostFlags
	keeping
	purge bool
}

func newDisable(io Streams) *cobra.Command {
	o := &disableOptions{consent: consent{io: io, prompt: &terminal{}}}
	c := &cobra.Command{
		Use:   "disable",
		Short: "Take out exactly what enable put in",
		Long: help.LongDesc(`
			Take out exactly what enable put into the manifest, and put back what it
			replaced. When nobody else changed the file since, it is the original
			byte for byte; what others changed stays.

			A policy file or webhook kubeconfig that enable replaced is put back too. The
			one that it wrote stays, and so do the backups, which --purge removes; the
			logs stay always, and so do the certificates that the kubeconfig names. When
			the backups cannot be removed after audit was taken out, that is a warning
			with what remains, and the same command does the rest.

			What enable put where kubeadm upgrade finds it is taken out as well, unless
			--persist none leaves it.`),
		Example: help.Examples(`
			# See what would change
			auditsetup disable --dry-run

			# On the image of a machine, without being asked
			auditsetup disable --root /mnt/image --yes`),
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return o.run() },
	}
	o.hostFlags.add(c.Flags())
	o.consent.add(c.Flags())
	o.keeping.add(c, "none leaves what kubeadm upgrade finds as it is, such as for other control planes (default: it is taken out)", persist.None)
	c.Flags().BoolVar(&o.purge, "purge", false, "also remove the policy, the webhook kubeconfig and the backups")
	return c
}

func (o *disableOptions) run() error {
	if err := o.possible(&o.hostFlags); err != nil {
		return err
	}
	if err := o.free(&o.hostFlags); err != nil {
		return err
	}
	m, data, err := o.readManifest()
	if err != nil {
		return err
	}
	p, err := o.plan(m, data)
	if err != nil {
		return err
	}
	reportDrift(o.io.Err, o.host.Display(o.manifest), p.result.Drift)
	o.reportLeft(p.result.Left)
	p.kept.warnOut(o.io.Err, m)
	if p.idle() {
		fmt.Fprintf(o.io.Out, "nothing to do: %s holds nothing of auditsetup\n", o.host.Display(o.manifest))
		return o.purgeState(false)
	}
	return o.carryOut(p)
}

// plan works out what takes out all of auditsetup.
func (o *disableOptions) plan(m *manifest.Manifest, data []byte) (*planned, error) {
	p := &planned{display: o.host.Display}
	var err error
	if p.kept, err = o.lookKept(m, o.patches); err != nil {
		return nil, err
	}
	m = p.kept.adopt(m, o.host.Display(o.manifest), data)
	if p.result, err = manifest.Undo(m); err != nil {
		return nil, err
	}
	p.change.Command = "disable"
	p.change.Manifest = &node.FileChange{Path: o.manifest, Old: data, New: p.result.After}
	if err := combine(o.planFiles(p, m), p.kept.planOut(persist.Mode(o.persist.value))); err != nil {
		return nil, err
	}
	p.keepFiles()
	return p, nil
}

// carryOut shows what is planned, and does it unless it is a dry run, or the
// answer is no.
func (o *disableOptions) carryOut(p *planned) error {
	if err := o.examine(&o.hostFlags, p); err != nil {
		return err
	}
	ok, err := o.given(p)
	if err != nil || !ok {
		return err
	}
	done, err := o.apply(o.io, p)
	if err != nil {
		return err
	}
	kept := p.keep(&o.hostFlags, o.io, done.Record)
	o.summarize(p, done.Result)
	if kept {
		fmt.Fprintf(o.io.Out, "  %-8s  %s\n", "written", configMapName)
	}
	done.reportLive(o.io.Out)
	return o.purgeState(true)
}

func (o *disableOptions) summarize(p *planned, done node.Result) {
	if bytes.Equal(p.result.Before, p.result.After) {
		fmt.Fprintf(o.io.Out, "nothing of auditsetup was left in %s\n", o.host.Display(o.manifest))
	} else {
		fmt.Fprintf(o.io.Out, "audit logging is taken out of %s\n", o.host.Display(o.manifest))
	}
	for _, f := range p.change.Files {
		word := "put back"
		if f.Remove {
			word = "removed"
		}
		fmt.Fprintf(o.io.Out, "  %-8s  %s\n", word, o.host.Display(f.Path))
	}
	if !o.purge && done.Backup != "" {
		fmt.Fprintf(o.io.Out, "  backup    %s\n", o.host.Display(done.Backup))
	}
}

// planFiles puts back what enable replaced, and with --purge removes what it
// wrote. What somebody changed since stays, and so does what the manifest still
// names.
func (o *disableOptions) planFiles(p *planned, m *manifest.Manifest) error {
	for _, path := range o.writtenPaths(m) {
		now, err := o.host.Read(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		origin, err := o.wrote(path, now.Bytes)
		if err != nil {
			return err
		}
		switch {
		case origin != nil && origin.Existed:
			old, err := o.before(origin)
			if err != nil {
				return err
			}
			p.change.Files = append(p.change.Files, node.FileChange{Path: path, Old: now.Bytes, New: old, Secret: webhook.HoldsSecrets(now.Bytes) || webhook.HoldsSecrets(old)})
		case origin == nil && !setup.Wrote(m.Annotation(manifest.PolicyAnnotation), now.Bytes):
			say(o.io.Err, "warning", document.Problems{{File: o.host.Display(path), What: "was changed by hand and stays as it is"}})
		case o.purge && bytes.Contains(p.result.After, []byte(path)):
			say(o.io.Err, "note", document.Problems{{File: o.host.Display(path), What: "is still named in the manifest and stays"}})
		case o.purge:
			p.change.Files = append(p.change.Files, node.FileChange{Path: path, Old: now.Bytes, Remove: true, Secret: webhook.HoldsSecrets(now.Bytes)})
		}
	}
	return nil
}

// writtenPaths are the files that enable wrote: the policy and the kubeconfig of
// the manifest, and for a purge every one that the records know.
func (o *disableOptions) writtenPaths(m *manifest.Manifest) []string {
	var paths []string
	for _, s := range m.AuditSettings() {
		if (s.Name == "audit-policy-file" || s.Name == "audit-webhook-config-file") && s.Ours {
			paths = append(paths, s.Value)
		}
	}
	if !o.purge {
		return paths
	}
	records, err := o.host.Records()
	if err != nil {
		return paths // the purge itself will say so
	}
	for _, r := range records {
		for _, f := range r.Files {
			base := path.Base(f.Path)
			patch := base == render.FlagsPatchName || base == render.MountsPatchName // what is kept for kubeadm is taken out as such, or left
			if r.Command == "enable" && !f.Manifest && !patch && !slices.Contains(paths, f.Path) {
				paths = append(paths, f.Path)
			}
		}
	}
	return paths
}

// purgeState removes the records. When that fails after audit was taken out, that
// is so all the same, and the exit code for "nothing changed" would be a lie: it
// is a warning that says what remains, as with the ConfigMap, and the same
// command does the rest, or fails with nothing else to do.
func (o *disableOptions) purgeState(changed bool) error {
	if !o.purge || o.dryRun {
		return nil
	}
	err := o.host.Purge()
	left := errors.Is(err, node.ErrLeft)
	switch {
	case err == nil:
		fmt.Fprintf(o.io.Out, "records and backups are removed from %s\n", o.host.Display(o.host.StateDir))
		return nil
	case !changed && !left:
		return err
	}
	problems := slices.Clone(document.ProblemsOf(err))
	remains := document.Problem{File: o.host.Display(o.host.StateDir), What: "holds the records and backups still, with all that was in the files", Hint: "when that is mended: auditsetup disable --purge --yes" + o.retype()}
	if left {
		remains.What = "holds no records any more, but not all of the backups are removed"
	}
	say(o.io.Err, "warning", append(problems, remains))
	return nil
}

// reportLeft says which audit settings stay, being somebody else's.
func (o *disableOptions) reportLeft(left []manifest.Setting) {
	var notes document.Problems
	for _, s := range left {
		notes = append(notes, document.Problem{File: o.host.Display(o.manifest), Line: s.Line,
			What: fmt.Sprintf("--%s=%s is not auditsetup's and stays", s.Name, s.Value)})
	}
	say(o.io.Err, "note", notes)
}
