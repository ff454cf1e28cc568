// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"net/url"
	"path/filepath"
	"strings"

	"github.com/auditsetup/auditsetup/policy/lint"
)

// The parts of SARIF 2.1.0 that are used (OASIS, sarif-v2.1.0-os). Required by
// its schema are version and runs, of a run tool.driver.name, of a result its
// message, and that lines and columns are 1 or more where there are any.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		// ColumnKind says that columns count characters.
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
		FullDescription  sarifText `json:"fullDescription"`
		Help             sarifText `json:"help"`
		Default          struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region *sarifRegion `json:"region,omitempty"`
		} `json:"physicalLocation"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
	}
)

func newSARIF(files []lintedFile) sarifLog {
	var run sarifRun
	run.ColumnKind, run.Results = "unicodeCodePoints", []sarifResult{}
	run.Tool.Driver = sarifDriver{Name: "auditsetup", Version: toolVersion(), Rules: []sarifRule{}}
	index := map[string]int{}
	for i, c := range lint.Checks() {
		index[c.ID] = i
		rule := sarifRule{ID: c.ID, ShortDescription: sarifText{c.Title}, FullDescription: sarifText{c.Why}, Help: sarifText{c.Remedy}}
		rule.Default.Level = sarifLevel(c.Severity)
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule)
	}
	for _, file := range files {
		for _, f := range file.found {
			var at sarifLocation
			at.Physical.Artifact.URI = fileURI(file.name)
			if f.Line > 0 {
				at.Physical.Region = &sarifRegion{f.Line, f.Column}
			}
			run.Results = append(run.Results, sarifResult{
				RuleID: f.ID, RuleIndex: index[f.ID], Level: sarifLevel(f.Severity),
				Message: sarifText{f.What + "; " + f.Hint}, Locations: []sarifLocation{at},
			})
		}
	}
	return sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}
}

func sarifLevel(s lint.Severity) string {
	if s == lint.Info {
		return "note"
	}
	return string(s)
}

// fileURI is a relative reference for a relative path, and a file URI for an
// absolute one.
func fileURI(name string) string {
	u := url.URL{Path: filepath.ToSlash(name)}
	if strings.HasPrefix(u.Path, "/") {
		u.Scheme = "file"
	}
	return u.String()
}
