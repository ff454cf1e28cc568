// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/auditsetup/auditsetup/persist"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/templates"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	help "k8s.io/kubectl/pkg/util/templates"
)

type enableOptions struct {
	consent

	hostFlags
	keeping
	selection
	sample bool
	save   string
	// silent says that no flag says what to set up.
	silent bool
	reading
}

const enableExamples = `
			# See it work on a sample, in a scratch folder
			auditsetup enable --sample

			# Be asked, with what each choice costs, before anything is written
			auditsetup enable

			# See what would change on this control plane
			auditsetup enable --rate 300 --retention 30d --disk-budget 20Gi --dry-run

			# To a receiver as well, which asks for a client certificate
			auditsetup enable --webhook-url https://10.0.0.5:9443/k8s-audit --webhook-ca /etc/kubernetes/pki/audit/ca.crt \
			  --webhook-client-certificate /etc/kubernetes/pki/audit/client.crt --webhook-client-key /etc/kubernetes/pki/audit/client.key --dry-run

			# The same on the image of a machine, without being asked
			auditsetup enable -f audit.yaml --root /mnt/image --yes`

func newEnable(io Streams) *cobra.Command {
	o := &enableOptions{consent: consent{io: io, prompt: &terminal{}}}
	c := &cobra.Command{
		Use:   "enable",
		Short: "Turn audit on, or bring what is there to what is asked",
		Long: help.LongDesc(`
			Turn on audit logging, or bring what is there to what is asked.

			On a terminal it asks for what no flag says, with what each choice costs,
			shows every change, and asks once more before anything is written. With
			-f, --yes or --dry-run it asks for nothing but the consent to write.

			The audit policy is written, the folders of policy and log are mounted
			into the kube-apiserver, and its flags are set, with buffer, batch and
			rotation computed from the request rate. The manifest is changed in
			place: every other line stays as it is, and auditsetup disable gives
			back the original bytes.

			On a running control plane everything is looked over first; the API server
			is waited for, and a request that the policy records is sent and its event
			read back. When the API server ends, cannot be started or is not ready
			within --timeout, and on Ctrl-C, every file is put back and the API server
			waited for again; the exit code is 4 then.

			kubeadm upgrade writes the manifest anew. For audit to stay on, the setup is
			put into the ConfigMap kube-system/kubeadm-config once the API server is
			back, or with --persist kubeadm-patches into a folder, which every upgrade
			has to be given with --patches. A spec file says so as persist.

			What was asked for is kept with the record of the change: the wizard proposes
			it the next time, status shows it, and doctor names the command that has it
			again. A run without flags takes the defaults all the same, and says so.`),
		Example: help.Examples(enableExamples),
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return o.run(c.Flags()) },
	}
	o.addWhat(c)
	o.addLoad(c.Flags())
	o.hostFlags.add(c.Flags())
	o.keeping.add(c, "where kubeadm upgrade finds the setup (default: where it is already, else kubeadm-config on a running machine)", persist.KubeadmConfig, persist.KubeadmPatches, persist.None)
	o.consent.add(c.Flags())
	f := c.Flags()
	f.BoolVar(&o.sample, "sample", false, "work on a sample manifest in a scratch folder")
	o.reading.add(c)
	f.StringVar(&o.save, "save", "", "write what was asked to a spec file, for enable -f")
	return c
}

func (o *enableOptions) run(flags *pflag.FlagSet) error {
	if o.sample {
		if err := o.makeSample(flags); err != nil {
			return err
		}
	}
	if err := o.reading.check(&o.consent); err != nil {
		return err
	}
	if err := o.possible(&o.hostFlags); err != nil {
		return err
	}
	if err := o.free(&o.hostFlags); err != nil {
		return err
	}
	in, inErr := o.input(flags, &inputs{stdin: o.io.In})
	o.layPersist(flags, &in)
	if o.asks() {
		return o.runWizard(flags, in, inErr)
	}
	o.silent = isSilent(flags)
	save, saveErr := o.newSave(in.Spec)
	p, err := o.planEnable(in, combine(inErr, saveErr))
	if err != nil {
		if o.sample {
			_ = os.RemoveAll(o.host.Root) // nobody was told of it
		}
		return err
	}
	o.noteAssumed(in, p)
	if done, err := o.print(o.io.Out, p); done {
		if o.sample {
			_ = os.RemoveAll(o.host.Root)
		}
		return err
	}
	return o.carryOut(p, save)
}

// carryOut shows what is planned, and does it unless it is a dry run, or the
// answer is no.
func (o *enableOptions) carryOut(p *planned, save *savedSpec) error {
	if o.sample {
		fmt.Fprintf(o.io.Out, "the sample lies in %s\n\n", o.host.Root)
	}
	say(o.io.Err, "note", p.desired.Notes)
	say(o.io.Err, "warning", p.desired.Warnings)
	reportDrift(o.io.Err, o.host.Display(o.manifest), p.result.Drift)
	if o.dryRun {
		save.show(o.io.Out)
	}
	if p.idle() {
		fmt.Fprintf(o.io.Out, "nothing to do: %s is as asked\n", o.host.Display(o.manifest))
		if o.dryRun {
			return nil
		}
		o.remember(p)
		return save.write()
	}
	if err := o.examine(&o.hostFlags, p); err != nil {
		return err
	}
	if ok, err := o.given(p); err != nil || !ok {
		return err
	}
	if err := save.write(); err != nil {
		return err
	}
	done, err := o.apply(o.io, p)
	if err != nil {
		save.undo()
		return err
	}
	if done.Record == "" {
		o.remember(p)
	}
	o.summarize(p, done, p.keep(&o.hostFlags, o.io, done.Record))
	return nil
}

func (o *enableOptions) summarize(p *planned, done applied, kept bool) {
	d, w := p.desired, o.io.Out
	fmt.Fprintf(w, "audit logging is set up for kube-apiserver %s with %s\n", d.Version, policyName(d.Spec.Policy))
	writeOutcome(w, d, p.display)
	if done.Backup != "" {
		fmt.Fprintf(w, "  backup    %s\n", p.display(done.Backup))
	}
	p.reportKept(w, kept)
	done.reportLive(w)
	fmt.Fprintf(w, "to undo: auditsetup disable%s\n", o.retype())
}

func policyName(p setup.Policy) string {
	if p.File != "" {
		return "the policy " + p.File
	}
	return "profile " + p.Profile
}

// makeSample makes the image of a control plane in a scratch folder and points
// the command at it.
func (o *enableOptions) makeSample(flags *pflag.FlagSet) error {
	for _, name := range []string{"root", "manifest", "state-dir"} {
		if flags.Changed(name) {
			return usagef("leave one of them out", "--sample and --%s are both given", name)
		}
	}
	root, err := os.MkdirTemp(o.io.TempDir, "auditsetup-sample-")
	if err != nil {
		return err
	}
	o.host.Root, o.yes, o.show = root, true, true
	path := filepath.Join(root, setup.DefaultManifest)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, templates.SampleManifest, 0o600)
}
