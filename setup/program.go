// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"fmt"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/tuning"
)

// program looks at the program that takes the events, where its name was said.
func (r *resolving) program() {
	name := r.spec.Receiver
	if name == "" {
		return
	}
	known, ok := tuning.LookupReceiver(name)
	if !ok {
		r.add("receiver", fmt.Sprintf("%q is no receiver whose limits are known", name),
			document.Suggest(name, tuning.ReceiverNames()))
		return
	}
	warn := func(what, hint string) {
		r.desired.Warnings = append(r.desired.Warnings, r.in.Origins.Problem("receiver", what, hint))
	}
	if r.spec.Uses(WebhookBackend) && !known.TakesWebhook {
		warn(name+" cannot make events of what the webhook posts", known.Instead)
	}
	limit := known.MaxLineBytes
	if _, byHand := r.spec.Flags["audit-log-truncate-enabled"]; byHand || limit == 0 || !r.spec.Uses(LogBackend) || r.largest <= limit {
		return
	}
	warn(fmt.Sprintf("a line of the log above %s %s; with this policy some have %s", tuning.FormatBytes(limit), known.LongLine, tuning.FormatBytes(r.largest)),
		fmt.Sprintf("raise its limit, or have bodies cut off: --set audit-log-truncate-enabled=true --set audit-log-truncate-max-event-size=%d", limit*95/100))
}
