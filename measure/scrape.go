// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/auditsetup/auditsetup/document"
)

const (
	requestTotal   = "apiserver_request_total"
	levelTotal     = "apiserver_audit_level_total"
	eventTotal     = "apiserver_audit_event_total"
	errorTotal     = "apiserver_audit_error_total"
	longRunningNow = "apiserver_longrunning_requests"
	startTime      = "process_start_time_seconds"
	lastCollection = "go_memstats_last_gc_time_seconds"

	// maxScrape bounds a scrape: the largest clusters have some hundred MiB of
	// histograms, which are passed over.
	maxScrape = 1 << 30
	maxLine   = 64 << 10
	// manyLines are parsed at once.
	manyLines = 4096
)

const scrapeHint = "save one with: kubectl get --raw /metrics > metrics.txt"

// Scrape is what matters of one answer of /metrics. Make one with [ParseScrape].
type Scrape struct {
	// Name is the file or URL, At when it was taken; zero when not known.
	Name string
	At   time.Time
	// Saved says that At is the time of a file, which may have been copied since.
	Saved bool

	// started and collected are times of the process in Unix seconds: when it
	// began, and when it last collected garbage. 0 when not known.
	started, collected float64
	// requests are by verb, levels by audit level, lost by plugin. Of the audit
	// counters, those without labels are always there (k8s.io/apiserver
	// pkg/audit/metrics.go), so requests by level tell whether auditing is on.
	requests, levels, lost map[string]float64
	events                 float64
	// open are the long-running requests at that moment.
	open float64
}

// ParseScrape reads the text of /metrics, of which it keeps a few sums. The error
// is document.Problems with a line where there is one.
func ParseScrape(name string, at time.Time, r io.Reader) (*Scrape, error) {
	s := &Scrape{Name: name, At: at, requests: map[string]float64{}, levels: map[string]float64{}, lost: map[string]float64{}}
	p := scrapeParser{scrape: s, r: bufio.NewReaderSize(io.LimitReader(r, maxScrape+1), maxLine)}
	if err := p.parse(); err != nil {
		return nil, err
	}
	return s, nil
}

type scrapeParser struct {
	scrape *Scrape
	r      *bufio.Reader
	// text has lines to be parsed, numbers those that they have in the scrape.
	text    bytes.Buffer
	numbers []int
	line    int
	read    int
}

func (p *scrapeParser) problem(line int, what, hint string) error {
	return document.Problems{{File: p.scrape.Name, Line: line, What: what, Hint: hint}}
}

func (p *scrapeParser) parse() error {
	if err := p.beginning(); err != nil {
		return err
	}
	for {
		line, err := p.r.ReadSlice('\n')
		p.line++
		p.read += len(line)
		wanted := isWanted(line)
		switch {
		case p.read > maxScrape:
			return p.problem(0, "is larger than 1 GiB", scrapeHint)
		case errors.Is(err, bufio.ErrBufferFull):
			return p.problem(p.line, fmt.Sprintf("is longer than %d bytes, as no line of /metrics is", maxLine), scrapeHint)
		case err != nil && !errors.Is(err, io.EOF):
			return p.problem(p.line, "cannot be read on: "+err.Error(), "try again")
		case err != nil && len(line) > 0 && (wanted || p.scrape.started == 0 && !p.holds(startTime)):
			return p.problem(p.line, "is cut off: the scrape has no end", "fetch it again; "+scrapeHint)
		}
		if wanted {
			p.text.Write(line)
			p.numbers = append(p.numbers, p.line)
		}
		if err != nil || len(p.numbers) >= manyLines {
			if flushed := p.flush(); flushed != nil {
				return flushed
			}
		}
		if err != nil {
			return p.complete()
		}
	}
}

func (p *scrapeParser) holds(metric string) bool {
	return bytes.Contains(p.text.Bytes(), []byte(metric))
}

// beginning knows what people save instead of metrics.
func (p *scrapeParser) beginning() error {
	head, err := p.r.Peek(512)
	head = bytes.TrimSpace(head)
	switch {
	case len(head) == 0 && err != nil && !errors.Is(err, io.EOF):
		return p.problem(0, "cannot be read: "+err.Error(), "")
	case len(head) == 0:
		return p.problem(0, "is empty", scrapeHint)
	case head[0] == '<':
		return p.problem(0, "is a web page, and not metrics", "give the URL of the kube-apiserver's /metrics; "+scrapeHint)
	case head[0] == '{':
		return p.problem(0, "is JSON, such as an error of the API server, and not metrics", "look into it; "+scrapeHint)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return p.problem(0, "is compressed", "give it uncompressed: gzip -dc FILE > metrics.txt")
	case bytes.IndexByte(head, 0) >= 0:
		return p.problem(0, "is binary, and not metrics in text", scrapeHint)
	}
	return nil
}

// isWanted looks at the name of a line's metric. Comments are left out: what a
// metric is, is known.
func isWanted(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	if end := bytes.IndexAny(line, "{ \t\r\n"); end >= 0 {
		line = line[:end]
	}
	switch string(line) {
	case requestTotal, levelTotal, eventTotal, errorTotal, longRunningNow, "apiserver_longrunning_gauge", startTime, lastCollection:
		return true
	}
	return false
}

// flush parses the lines that were gathered.
func (p *scrapeParser) flush() error {
	text := append(bytes.ReplaceAll(p.text.Bytes(), []byte("\r\n"), []byte("\n")), '\n')
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if bad := (expfmt.ParseError{}); errors.As(err, &bad) {
		line := 0
		if i := bad.Line - 1; i >= 0 && i < len(p.numbers) {
			line = p.numbers[i]
		}
		return p.problem(line, "is no line of metrics: "+bad.Msg, "fetch it again; "+scrapeHint)
	}
	if err != nil {
		return p.problem(0, "cannot be read as metrics: "+err.Error(), scrapeHint)
	}
	for name, family := range families {
		for _, metric := range family.GetMetric() {
			if err := p.add(name, metric); err != nil {
				return err
			}
		}
	}
	p.text.Reset()
	p.numbers = p.numbers[:0]
	return nil
}

func (p *scrapeParser) add(name string, metric *dto.Metric) error {
	s := p.scrape
	value := metric.GetUntyped().GetValue()
	if math.IsNaN(value) || math.IsInf(value, 0) || value < 0 {
		return p.problem(0, fmt.Sprintf("%s is %v, which no kube-apiserver counts", name, value), "fetch it again; "+scrapeHint)
	}
	label := func(name string) string {
		for _, l := range metric.GetLabel() {
			if l.GetName() == name {
				return l.GetValue()
			}
		}
		return ""
	}
	switch name {
	case requestTotal:
		s.requests[label("verb")] += value
	case levelTotal:
		s.levels[label("level")] += value
	case errorTotal:
		s.lost[label("plugin")] += value
	case eventTotal:
		s.events += value
	case lastCollection:
		s.collected = value
	case startTime:
		if s.started != 0 {
			return p.problem(0, "has the metrics of more than one process in it", "give each scrape as a file of its own")
		}
		s.started = value
	default:
		s.open += value
	}
	return nil
}

// complete wants what every kube-apiserver has.
func (p *scrapeParser) complete() error {
	if len(p.scrape.requests) == 0 {
		return p.problem(0, "has no "+requestTotal+": it is cut off, or of something else than a kube-apiserver of 1.14 or later", scrapeHint)
	}
	return nil
}
