// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"strings"

	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/tuning"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// addWhat adds the flags that say what is recorded and where it goes.
func (s *selection) addWhat(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&s.file, "filename", "f", "", "read what to set up from a spec file; flags lie over it")
	f.StringVar(&s.spec.Policy.Profile, "profile", "", "audit policy to use: name of a profile (default "+setup.DefaultProfile+")")
	f.StringVar(&s.spec.Policy.File, "policy", "", "audit policy to use: a file of your own")
	f.StringVar(&s.spec.Policy.Path, "policy-path", "", "where the policy goes on the control plane (default "+setup.DefaultPolicyPath+")")
	f.StringVar(&s.spec.Log.Path, "log-path", "", "where the log goes on the control plane (default "+setup.DefaultLogPath+")")
	s.addModes(f)
	s.addReceiver(f)
	f.StringArrayVar(&s.set, "set", nil, "set an audit flag by hand, as flag=value; repeatable")
	f.BoolVar(&s.spec.TakeOver, "take-over", false, "replace audit settings that auditsetup did not make")
	_ = c.RegisterFlagCompletionFunc("profile", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return profiles.Names(), cobra.ShellCompDirectiveNoFileComp
	})
}

// addModes adds the flags that say whether requests wait.
func (s *selection) addModes(f *pflag.FlagSet) {
	f.StringVar(&s.spec.Log.Mode, "log-mode", "", "how the log is written: blocking, blocking-strict or batch (default blocking)")
	f.StringVar(&s.spec.Webhook.Mode, "webhook-mode", "", "how the webhook sends: batch, blocking or blocking-strict (default batch)")
}

// addReceiver adds the flags that say where the webhook sends. None takes a
// secret: what is typed is in ps and in the shell's history.
func (s *selection) addReceiver(f *pflag.FlagSet) {
	w := &s.spec.Webhook
	f.StringVar(&w.URL, "webhook-url", "", "send events to this URL; without --backend, to the log as well")
	f.StringVar(&w.CAFile, "webhook-ca", "", "CA of the receiver, a file on the control plane")
	f.StringVar(&w.ClientCertificateFile, "webhook-client-certificate", "", "certificate that the receiver asks for, a file on the control plane")
	f.StringVar(&w.ClientKeyFile, "webhook-client-key", "", "key of that certificate, a file on the control plane")
	f.StringVar(&w.TokenFile, "webhook-token-file", "", "bearer token that the receiver asks for, a file on the control plane")
	f.BoolVar(&w.InsecureSkipTLSVerify, "webhook-insecure-skip-tls-verify", false, "believe any receiver that answers at that URL")
	f.StringVar(&w.ConfigFile, "webhook-config", "", "send events as a kubeconfig of your own says, a file here, taken as it is; without --backend, to the log as well")
	f.StringVar(&w.Path, "webhook-path", "", "where the kubeconfig goes on the control plane (default "+setup.DefaultWebhookPath+")")
}

// addLoad adds the flags that the numbers are computed from.
func (s *selection) addLoad(f *pflag.FlagSet) {
	f.StringSliceVar(&s.backends, "backend", nil, "where events go: log, webhook or both (default log; log,webhook with --webhook-url or --webhook-config)")
	f.StringVar(&s.spec.KubeVersion, "kube-version", "", "version of the kube-apiserver, such as 1.37 (default: the tag of its image)")
	f.Float64Var(&s.rate, "rate", 0, "requests per second that one API server gets at peak (default 100)")
	f.Float64Var(&s.clusterRate, "cluster-rate", 0, "requests per second that all API servers together get at peak, in place of --rate")
	f.IntVar(&s.servers, "servers", 0, "how many API servers the cluster has (default 1)")
	f.Float64Var(&s.meanRate, "mean-rate", 0, "the mean, over days, of --rate or --cluster-rate (default: as the peak)")
	f.Float64Var(&s.peakFactor, "peak-factor", 0, "peak over mean, in place of --mean-rate")
	f.Float64Var(&s.eventsPerRequest, "events-per-request", 0, "events per request that the policy keeps (default: the profile's)")
	f.Float64Var(&s.bytesPerEvent, "bytes-per-event", 0, "mean size of an event (default: the profile's)")
	f.StringVar(&s.spec.Load.Stall, "stall", "", "how long the receiver or the disk may stand still without loss (default 30s)")
	f.StringVar(&s.spec.Load.Outage, "outage", "", "how long the receiver may be gone: what that costs is told (default 5m)")
	f.StringVar(&s.spec.Webhook.InitialBackoff, "webhook-initial-backoff", "", "how long to wait before a failed request is tried again (default 10s)")
	f.StringVar(&s.spec.Load.MemoryBudget, "memory-budget", "", "the most that events may take of the API server's memory (default: no limit)")
	f.StringVar(&s.spec.Receiver, "receiver", "", "the program that takes the events, whose limits are known: "+strings.Join(tuning.ReceiverNames(), ", "))
	f.Float64Var(&s.headroom, "headroom", 0, "by what factor throttle and buffer exceed the peak (default 2)")
	f.IntVar(&s.batchSize, "batch-size", 0, "events per batch (default: computed)")
	f.StringVar(&s.spec.Load.MaxWait, "max-wait", "", "how long a batch waits to fill (default: computed)")
	f.StringVar(&s.spec.Webhook.MaxEventSize, "max-event-size", "", "the largest event that the receiver takes; larger ones lose their bodies (default 100Ki)")
	f.StringVar(&s.spec.Webhook.MaxBody, "max-body", "", "the largest request that the receiver takes (default 10Mi, unless --batch-size is given)")
	f.StringVar(&s.spec.Log.Retention, "retention", "", "how far back the log should reach (default 30d)")
	f.StringVar(&s.spec.Log.DiskBudget, "disk-budget", "", "the most that the log may take of the disk (default 10Gi)")
	f.BoolVar(&s.spec.Log.Compress, "compress", false, "compress rotated log files")
}
