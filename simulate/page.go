// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/auditsetup/auditsetup/templates"
	"github.com/auditsetup/auditsetup/tuning"
)

// page is what the template shows.
type page struct {
	*Result
	// Policies have the Outcomes of the Result.
	Policies []shown
	Style    template.CSS
	Script   template.JS
	// Policy is the content security policy.
	Policy   string
	Version  string
	From, To string
	// Remarks are those on files, with their places.
	Remarks []string
}

type shown struct {
	Outcome
	Tables []sharesTable
}

type sharesTable struct {
	Title, Head string
	Shares      []Share
}

// mostShown is how many users and kinds a page has; JSON has more.
const mostShown = 25

// HTML writes a result as a page that needs nothing beside itself, in the style of
// the plan's. The text in it may hold anything and is escaped. version is that of
// auditsetup; empty leaves it out. An error is that of w, or says that an embedded
// file is broken, which tests exclude.
func HTML(w io.Writer, r *Result, version string) error {
	files, err := template.New("simulation").Funcs(template.FuncMap{
		"size": tuning.FormatBytes, "bytes": func(x float64) string { return tuning.FormatBytes(int64(x)) },
		"number":  func(x float64) string { return strconv.FormatFloat(x, 'f', decimals(x), 64) },
		"percent": func(x float64) string { return strconv.FormatFloat(x*100, 'f', decimals(x*100), 64) + " %" },
		"bar":     func(x float64) string { return strconv.FormatFloat(min(100, x*100), 'f', 1, 64) },
		"inc":     func(i int) int { return i + 1 },
	}).ParseFS(templates.Simulation, "simulation/page.html")
	if err != nil {
		return fmt.Errorf("simulation: %w", err)
	}
	style, err := templates.Report.ReadFile("report/style.css")
	if err != nil {
		return fmt.Errorf("simulation: %w", err)
	}
	script, err := templates.Report.ReadFile("report/script.js")
	if err != nil {
		return fmt.Errorf("simulation: %w", err)
	}
	p := page{Result: r, Style: template.CSS(style), Script: template.JS(script), Version: version, Remarks: r.Log.remarks()}
	p.Policy = "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(script) + "; img-src data:; base-uri 'none'; form-action 'none'"
	if !r.Log.From.IsZero() {
		p.From, p.To = r.Log.From.Format(time.RFC3339), r.Log.To.Format(time.RFC3339)
	}
	for _, o := range r.Policies {
		p.Policies = append(p.Policies, shown{o, []sharesTable{
			{"By level", "Level", o.Levels}, {"By verb and resource", "What", o.Kinds[:min(mostShown, len(o.Kinds))]},
			{"By user", "User", o.Users[:min(mostShown, len(o.Users))]}, {"The heaviest sources", "User and what", o.Sources},
		}})
	}
	if err := files.ExecuteTemplate(w, "page.html", p); err != nil {
		return fmt.Errorf("simulation: %w", err)
	}
	return nil
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// decimals are those that leave a number three digits or all before the point.
func decimals(x float64) int {
	if x == 0 || x >= 100 {
		return 0
	}
	return min(3, max(0, 2-int(math.Floor(math.Log10(math.Abs(x))))))
}

// remarks are those of all files, for reading.
func (l Log) remarks() []string {
	var all []string
	for _, f := range l.Files {
		for _, m := range f.Remarks {
			place := f.Name
			if m.Line > 0 {
				place += ":" + strconv.Itoa(m.Line)
			}
			all = append(all, place+": "+m.What)
		}
	}
	return all
}
