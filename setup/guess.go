// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"github.com/auditsetup/auditsetup/mix"
	"github.com/auditsetup/auditsetup/profiles"
)

// Guess is what requests come to as events, where nobody has measured it. The
// zero value knows nothing.
type Guess struct {
	// Of says whose numbers these are, to stand after "as", such as "profile
	// recommended was found to make".
	Of string
	// EventsPerRequest and BytesPerEvent have a Value of 0 where it is not known.
	EventsPerRequest, BytesPerEvent profiles.Estimate
	// exact says that every stage that the policy keeps is in it.
	exact bool
}

// GuessOf is what a profile, which may be the zero one, was found to make.
func GuessOf(p profiles.Profile) Guess {
	return Guess{Of: "profile " + p.Name + " was found to make", EventsPerRequest: p.EventsPerRequest, BytesPerEvent: p.BytesPerEvent}
}

// rarely is the events per request of a policy that records nothing of what a
// typical cluster asks: something it will be for.
const rarely = 0.001

// guessFrom is what a policy makes of the requests of a typical cluster.
func guessFrom(e mix.Estimate) Guess {
	if e.EventsPerRequest == 0 {
		return Guess{
			Of:               "this policy hardly ever records anything",
			EventsPerRequest: profiles.Estimate{Value: rarely, Reason: e.Reason + ", so one request in a thousand is taken", Source: mix.Talos},
			exact:            true,
		}
	}
	return Guess{
		Of:               "this policy makes of a typical cluster's requests",
		EventsPerRequest: profiles.Estimate{Value: e.EventsPerRequest, Reason: e.Reason, Source: mix.Talos},
		BytesPerEvent:    profiles.Estimate{Value: e.BytesPerEvent, Reason: "the mean over these, with sizes as measured on kube-apiserver " + mix.Release, Source: mix.Release},
		exact:            true,
	}
}

// strictly has RequestReceived in it where a mode needs that stage: one event
// more for each request that is recorded.
func (g Guess) strictly() Guess {
	if e := &g.EventsPerRequest; e.Value > 0 && !g.exact {
		e.Value = min(2*e.Value, 3)
		e.Reason += "; twice that, since mode blocking-strict needs RequestReceived too"
	}
	return g
}
