// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"slices"
	"strings"

	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/webhook"
)

// How the kube-apiserver shows the receiver who it is.
const (
	byNothing = iota
	byCertificate
	byToken
)

func (w *wizard) toWebhook() bool {
	return slices.Contains(w.in.Spec.Backends, setup.WebhookBackend)
}

// toConfig and toURL go by what was said of the receiver, in a flag or here.
func (w *wizard) toConfig() bool {
	return w.toWebhook() && (w.ownConfig || w.flags.Changed("webhook-config"))
}

func (w *wizard) toURL() bool { return w.toWebhook() && !w.toConfig() }

func (w *wizard) toHTTPS() bool {
	return w.toURL() && strings.HasPrefix(webhook.Origin(w.in.Spec.Webhook.URL), "https:")
}

func (w *wizard) withCertificate() bool {
	return w.toHTTPS() && (w.credentials == byCertificate || w.flags.Changed("webhook-client-certificate"))
}

func (w *wizard) withToken() bool { return w.toHTTPS() && w.credentials == byToken }

func (w *wizard) askReceiver() error {
	first := 0
	if w.ownConfig {
		first = 1
	}
	i, err := w.pick(question{text: "How is the receiver known?", choices: []choice{
		{label: "by its URL", short: "by its URL", detail: "auditsetup writes the kubeconfig from it."},
		{label: "by a kubeconfig of your own, on this machine", short: "by a kubeconfig", detail: "It is copied as it is, and its content is never shown."},
	}}, first)
	if err != nil {
		return err
	}
	if w.ownConfig = i == 1; w.ownConfig != (w.in.Spec.Webhook.ConfigFile != "") {
		w.in.Spec.Webhook = setup.Webhook{Mode: w.in.Spec.Webhook.Mode}
	}
	return nil
}

func (w *wizard) askURL() error {
	return w.line("URL of the receiver (https://...)", w.in.Spec.Webhook.URL, func(answer string) error {
		return w.try("webhook-url", "webhook.url", func(s *setup.Spec) { s.Webhook.URL = answer })
	})
}

func (w *wizard) askCA() error {
	w.tell("Files are named as the control plane sees them. The CA vouches for the receiver's certificate; a bare return takes those that the kube-apiserver's image knows.\n")
	return w.line("CA file", w.in.Spec.Webhook.CAFile, func(answer string) error {
		return w.try("webhook-ca", "webhook.caFile", func(s *setup.Spec) { s.Webhook.CAFile = none(answer) })
	})
}

// none reads the word for no file, which a bare return cannot say once there is
// a proposal.
func none(answer string) string {
	if answer == "none" {
		return ""
	}
	return answer
}

func (w *wizard) askCredentials() error {
	i, err := w.pick(question{text: "How does the kube-apiserver prove who it is?", choices: []choice{
		{label: "not at all", short: "not at all"},
		{label: "by a client certificate and its key, in files", short: "client certificate"},
		{label: "by a token, in a file", short: "token"},
	}}, w.credentials)
	if err != nil || i == w.credentials {
		return err
	}
	w.credentials = i
	h := &w.in.Spec.Webhook
	h.ClientCertificateFile, h.ClientKeyFile, h.TokenFile = "", "", ""
	return nil
}

func (w *wizard) askCertificate() error {
	key := w.in.Spec.Webhook.ClientKeyFile
	return w.line("Client certificate file", w.in.Spec.Webhook.ClientCertificateFile, func(answer string) error {
		err := w.tryFile(answer, "webhook-client-certificate", "webhook.clientCertificateFile", func(s *setup.Spec) {
			s.Webhook.ClientCertificateFile, s.Webhook.ClientKeyFile = answer, answer // one is refused without the other, which is asked for next
		})
		w.in.Spec.Webhook.ClientKeyFile = key
		return err
	})
}

func (w *wizard) askKey() error {
	return w.line("Client key file", w.in.Spec.Webhook.ClientKeyFile, func(answer string) error {
		return w.tryFile(answer, "webhook-client-key", "webhook.clientKeyFile", func(s *setup.Spec) { s.Webhook.ClientKeyFile = answer })
	})
}

func (w *wizard) askToken() error {
	return w.line("Token file", w.in.Spec.Webhook.TokenFile, func(answer string) error {
		return w.tryFile(answer, "webhook-token-file", "webhook.tokenFile", func(s *setup.Spec) { s.Webhook.TokenFile = answer })
	})
}

func (w *wizard) askConfig() error {
	return w.line("Kubeconfig for the receiver, on this machine", w.in.Spec.Webhook.ConfigFile, func(answer string) error {
		return w.tryFile(answer, "webhook-config", "webhook.configFile", func(s *setup.Spec) { s.Webhook.ConfigFile = answer })
	})
}

// tryFile is try for a file that must be named.
func (w *wizard) tryFile(answer, flag, path string, lay func(*setup.Spec)) error {
	if answer == "" {
		return usagef("type < to go back and choose another way", "a file is needed here")
	}
	return w.try(flag, path, lay)
}

func (w *wizard) askMode() error {
	modes := []string{"batch", "blocking"}
	first := max(slices.Index(modes, w.in.Spec.Webhook.Mode), 0)
	i, err := w.pick(question{text: "Should requests wait for the receiver?", choices: []choice{
		{label: "no: events are sent in batches (batch)", short: "no, batch", detail: "Events are lost when the receiver is away longer than the buffer lasts."},
		{label: "yes: every request waits for its event (blocking)", short: "yes, blocking", detail: "A slow receiver makes the whole API server slow."},
	}}, first)
	if err != nil {
		return err
	}
	return w.try("webhook-mode", "webhook.mode", func(s *setup.Spec) { s.Webhook.Mode = modes[i] })
}
