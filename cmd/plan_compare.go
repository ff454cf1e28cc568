// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/auditsetup/auditsetup/setup"
	"github.com/auditsetup/auditsetup/tuning"
	"k8s.io/apiserver/pkg/apis/audit"
)

// compared is a profile at the load of a plan, as JSON has it.
type compared struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	// Current marks the profile of the plan.
	Current bool `json:"current"`
	// EventsPerSecond and BytesPerSecond are at peak, BytesPerDay at the mean.
	EventsPerSecond float64 `json:"eventsPerSecond"`
	BytesPerSecond  float64 `json:"bytesPerSecond"`
	BytesPerDay     int64   `json:"bytesPerDay"`
	// RetentionSeconds and DiskNeededBytes are 0 without a log.
	RetentionSeconds int64          `json:"retentionSeconds"`
	DiskNeededBytes  int64          `json:"diskNeededBytes"`
	Records          []comparedDeed `json:"records"`
}

// comparedDeed is what a profile writes of a kind of request.
type comparedDeed struct {
	What  string `json:"what"`
	Level string `json:"level"`
}

// comparison works the plan out for every profile, and in front for a policy of
// the administrator's own. Rates are those of the plan;
// what requests come to is each profile's own, as a measured mix belongs to the
// policy under which it was measured.
func (p plan) comparison() ([]compared, error) {
	var rows []compared
	if file := p.Spec.Policy.File; file != "" {
		row, err := rowOf(p.Calculation, file)
		if err != nil {
			return nil, err
		}
		row.Title, row.Current = "the policy that was given", true
		rows = append(rows, row)
	}
	for _, profile := range profiles.All() {
		spec := p.Spec
		spec.Policy = setup.Policy{Profile: profile.Name}
		spec.Load.EventsPerRequest, spec.Load.BytesPerEvent = nil, nil
		c, err := setup.Calculate(setup.Input{Spec: spec, Origins: setup.Origins{}})
		if err != nil {
			return nil, err
		}
		row, err := rowOf(c, profile.Name)
		if err != nil {
			return nil, err
		}
		row.Title, row.Current = profile.Title, profile.Name == p.Spec.Policy.Profile
		rows = append(rows, row)
	}
	return rows, nil
}

// rowOf is what a calculation comes to, and what its policy records.
func rowOf(c setup.Calculation, name string) (compared, error) {
	read, err := policy.Read(name, c.Policy, c.Version)
	if err != nil {
		return compared{}, err
	}
	row := compared{
		Name: name, EventsPerSecond: c.Result.EventsPerSecond.Value, BytesPerSecond: c.Result.BytesPerSecond.Value, BytesPerDay: c.Result.BytesPerDay.Value,
	}
	if r := c.Result.Rotation; r != nil {
		row.RetentionSeconds, row.DiskNeededBytes = r.RetentionSeconds.Value, r.DiskNeededBytes.Value
	}
	for _, d := range profiles.Deeds(read) {
		row.Records = append(row.Records, comparedDeed{d.What, string(d.Level)})
	}
	return row, nil
}

func (o *planOptions) printComparison(p plan) error {
	rows, err := p.comparison()
	if err != nil {
		return err
	}
	p.sayApart(o.io)
	if len(p.found) > 0 {
		say(o.io.Err, "note", document.Problems{{What: "only the rate is taken from what was measured: the mix belongs to the policy under which it was"}})
	}
	all := struct {
		FormatVersion int        `json:"formatVersion"`
		Profiles      []compared `json:"profiles"`
	}{1, rows}
	switch o.output.value {
	case "json":
		return writeJSON(o.io.Out, all)
	case "yaml":
		return writeYAML(o.io.Out, all)
	case "html":
		return p.writePage(o.io.Out)
	}
	return writeComparison(o.io.Out, p, rows)
}

func writeComparison(w io.Writer, p plan, rows []compared) error {
	fmt.Fprintf(w, "%s at peak of one API server, %s over days\n\n", rate(p.Load.RequestsPerSecond, "requests"), rate(meanOf(p.Load), "requests"))
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	head := "  \tPROFILE\tEVENTS/S AT PEAK\tA DAY"
	if p.Backends.Log {
		head += "\tLOG REACHES BACK\t" + strings.ToUpper(tuning.FormatRetention(p.Load.Retention)) + " WOULD TAKE"
	}
	fmt.Fprintln(table, head)
	for i, r := range rows {
		mark := " "
		if r.Current {
			mark = "*"
		}
		fmt.Fprintf(table, "%s%2d\t%s\t%.4g\t%s", mark, i+1, r.Name, r.EventsPerSecond, tuning.FormatBytes(r.BytesPerDay))
		if p.Backends.Log {
			fmt.Fprintf(table, "\t%s\t%s", tuning.FormatRetention(lasting(float64(r.RetentionSeconds))), tuning.FormatBytes(r.DiskNeededBytes))
		}
		fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	writeRecords(w, rows)
	return nil
}

// levelLetters are the levels in a narrow table.
var levelLetters = map[string]string{
	string(audit.LevelNone): "-", string(audit.LevelMetadata): "M", string(audit.LevelRequest): "R", string(audit.LevelRequestResponse): "RR",
}

// writeRecords prints what each profile records, a column each under its number.
func writeRecords(w io.Writer, rows []compared) {
	fmt.Fprintf(w, "\n%-26s", "what is recorded")
	for i := range rows {
		fmt.Fprintf(w, "%3d", i+1)
	}
	fmt.Fprintln(w)
	for d, deed := range rows[0].Records {
		fmt.Fprintf(w, "%-26s", deed.What)
		for _, r := range rows {
			fmt.Fprintf(w, "%3s", levelLetters[r.Records[d].Level])
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, "\n- nothing, M who did what to which object, R with what was sent, RR and with what came back")
}

func meanOf(l tuning.Load) float64 {
	if l.MeanRequestsPerSecond > 0 {
		return l.MeanRequestsPerSecond
	}
	return l.RequestsPerSecond
}
