// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package report writes a capacity plan as one HTML page that can be handed
// on: the verdict in words, the numbers, drawn curves, every profile side by
// side, and where each number comes from. The page needs nothing beside itself.
// It asks no network for anything, says so to the browser in a content security
// policy, shows everything without its script, follows the reader's light or
// dark scheme, and fits a phone and a sheet of paper.
//
// Nothing is calculated here but pixels. The numbers are those of package
// tuning, the words those of the caller; all of them are taken for text that
// may hold anything, and escaped. The same Page always gives the same bytes.
package report

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/auditsetup/auditsetup/templates"
	"github.com/auditsetup/auditsetup/tuning"
)

// Page is all that the page says. The zero Page is a page that says little.
type Page struct {
	// Load is what was planned for, in the order to be shown: the rate, the
	// profile or policy, the backends, what was wished for. May be empty.
	Load []Fact
	// Result is the plan.
	Result tuning.Result
	// Curves are drawn in this order. None may be missing a line or an axis, as
	// tuning.Curves gives them. May be empty.
	Curves []tuning.Curve
	// Compare is one row per profile, in the order to be shown. May be empty.
	Compare []Row
	// Flags are lines to copy, such as "--audit-log-maxsize=100". May be empty.
	Flags []string
	// Warnings are shown after those of the Result; one that is there already
	// is not shown again. May be nil.
	Warnings []tuning.Warning
	// Assumed is what nobody said and the plan rests on, Measured what was
	// measured and where; a line each. May be nil.
	Assumed, Measured []string
	// Generated is the time the page bears, in its own zone. The zero time
	// leaves it out.
	Generated time.Time
	// Version is that of auditsetup; empty leaves it out.
	Version string
}

// Fact is a line of what was planned for, such as "Profile", "recommended".
type Fact struct{ Name, Value string }

// Row is what one profile would come to under the same load.
type Row struct {
	// Profile is its name, Title a few words on it.
	Profile, Title string
	// Current marks the one that the plan is for.
	Current bool
	// EventsPerSecond and BytesPerSecond are at peak, BytesPerDay is raw.
	EventsPerSecond, BytesPerSecond float64
	BytesPerDay                     int64
	// RetentionSeconds is how far back the log reaches within the disk budget,
	// DiskNeededBytes what the wanted retention would take. 0 without a log.
	RetentionSeconds, DiskNeededBytes int64
	// Records says at which level it records some kinds of requests, best the
	// same ones in the same order for every profile: they become a table of
	// kinds by profiles. May be nil.
	Records []Record
	// Caught is in words what the profile is for or records, Missed what leaves
	// no trace or less than one may think; a line each, shown in a list of its
	// own for each profile. May be nil.
	Caught, Missed []string
}

// Record is a kind of request, such as "exec into a pod", and the level at which
// a policy records it: Metadata, Request, RequestResponse, or None.
type Record struct{ What, Level string }

// HTML writes the page. An error is that of w, or says that an embedded file
// of auditsetup is broken, which its tests exclude.
func HTML(w io.Writer, p Page) error {
	files := template.New("report").Funcs(template.FuncMap{"sentence": sentence, "heading": heading})
	files, err := files.ParseFS(templates.Report, "report/*.html")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	style, err := templates.Report.ReadFile("report/style.css")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	script, err := templates.Report.ReadFile("report/script.js")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	v := p.view()
	v.Style, v.Script = template.CSS(style), template.JS(script)
	v.Policy = policy(style, script)
	if err := files.ExecuteTemplate(w, "page.html", v); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// policy is the content security policy of the page: nothing from anywhere, but
// for the one style sheet and the one script that are in it.
func policy(style, script []byte) string {
	hash := func(b []byte) string {
		sum := sha256.Sum256(b)
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(script) +
		"; img-src data:; base-uri 'none'; form-action 'none'"
}
