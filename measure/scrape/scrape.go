// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package scrape fetches the metrics of a kube-apiserver for package measure: over
// the network, as the user of a kubeconfig or through kubectl proxy, or from files
// in which somebody saved them. It asks for /metrics and for nothing else.
package scrape

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/measure"
)

// Kubeconfig is the source that stands for the server of the kubeconfig.
const Kubeconfig = "kubeconfig"

// flag is what problems with the sources themselves are about.
const flag = "--from-metrics"

// DefaultWait is the time between two scrapes: long enough for a mean, and short
// enough to be waited for.
const DefaultWait = 30 * time.Second

// Options say how to ask. The zero Options ask as kubectl would.
type Options struct {
	// Kubeconfig is a file; empty for those that kubectl would take, or
	// /etc/kubernetes/admin.conf where there is none. Context is one in it; empty
	// for the current one.
	Kubeconfig, Context string
	// Wait is the time between the two scrapes of a server; 0 for DefaultWait.
	Wait time.Duration
	// Waiting, when not nil, is told about once a second how much of it is left.
	Waiting func(left time.Duration)
	// Stdin is read for the source "-"; it may be nil if there is none.
	Stdin io.Reader
}

// Measure measures a kube-apiserver. The sources are [Kubeconfig] or a URL, which
// is scraped twice, or one or two files, the earlier first, of which one may be
// "-". The error is document.Problems, or that of ctx.
func Measure(ctx context.Context, sources []string, o Options) (measure.Measured, error) {
	earlier, later, err := scrapes(ctx, sources, o)
	if ctx.Err() != nil {
		return measure.Measured{}, ctx.Err()
	}
	if err != nil {
		return measure.Measured{}, document.ProblemsOf(err)
	}
	return measure.FromMetrics(earlier, later)
}

func scrapes(ctx context.Context, sources []string, o Options) (earlier, later *measure.Scrape, err error) {
	problem := document.Problem{File: flag, Hint: "give a URL, or " + Kubeconfig + ", or one or two files"}
	for _, source := range sources {
		if isServer(source) && len(sources) > 1 {
			problem.What = "a server is scraped twice by itself: " + strip(source) + " is to be the only source"
			return nil, nil, problem
		}
	}
	switch len(sources) {
	case 0:
		problem.What = "no source is given"
	case 1:
		if isServer(sources[0]) {
			return twice(ctx, sources[0], o)
		}
		later, err = saved(sources[0], o.Stdin)
		return nil, later, err
	case 2:
		earlier, err = saved(sources[0], o.Stdin)
		later, another := saved(sources[1], o.Stdin)
		return earlier, later, errors.Join(err, another)
	default:
		problem.What = fmt.Sprintf("two scrapes are enough, and not %d", len(sources))
	}
	return nil, nil, problem
}

func isServer(source string) bool {
	return source == Kubeconfig || strings.Contains(source, "://")
}

// saved reads a file. Its time is that of the scrape, unless it was copied.
func saved(path string, stdin io.Reader) (*measure.Scrape, error) {
	if path == "-" && stdin != nil {
		return measure.ParseScrape(path, time.Now(), stdin)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, document.Problem{File: path, What: "cannot be opened: " + errors.Unwrap(err).Error(), Hint: "give a URL, " + Kubeconfig + ", or a file saved with: kubectl get --raw /metrics"}
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("it is a folder")
	}
	if err != nil {
		return nil, document.Problem{File: path, What: "cannot be read: " + err.Error()}
	}
	s, err := measure.ParseScrape(path, info.ModTime(), file)
	if s != nil {
		s.Saved = true
	}
	return s, err
}

// twice scrapes a server, waits, and scrapes it again.
func twice(ctx context.Context, source string, o Options) (earlier, later *measure.Scrape, err error) {
	s, err := o.server(source)
	if err != nil {
		return nil, nil, err
	}
	if earlier, err = s.scrape(ctx); err != nil {
		return nil, nil, err
	}
	if err := o.wait(ctx); err != nil {
		return nil, nil, err
	}
	later, err = s.scrape(ctx)
	return earlier, later, err
}

func (o Options) wait(ctx context.Context) error {
	length := o.Wait
	if length <= 0 {
		length = DefaultWait
	}
	end := time.Now().Add(length)
	for left := length; left > 0; left = time.Until(end) {
		if o.Waiting != nil {
			o.Waiting(left)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(left, time.Second)):
		}
	}
	return nil
}
