// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Speed holds `auditsetup simulate` against jq and wc on large logs: real events
// of a real kube-apiserver, multiplied in the same way each time. It prints times,
// ratios and memory; what the ratios should be stands in CONTRIBUTING.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "speed:", err)
		os.Exit(1)
	}
}

func run(w io.Writer) error {
	size := flag.Int64("mib", 1024, "size of each workload in MiB")
	runs := flag.Int("runs", 5, "how often each command runs")
	program := flag.String("program", "", "auditsetup to measure (default: built from here)")
	grow := flag.Bool("grow", false, "only show how time and memory grow with the size of the log, up to 4 GiB")
	profile := flag.String("profile", "recommended", "profile to simulate")
	flag.Parse()
	dir, err := os.MkdirTemp("", "auditsetup-speed-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a scratch folder
	if *program == "" {
		*program = filepath.Join(dir, "auditsetup")
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", *program, "./cmd/auditsetup")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
	}
	s := speed{w: w, dir: dir, program: *program, profile: *profile, runs: *runs}
	if *grow {
		return s.grow()
	}
	return s.compare(*size << 20)
}

// speed is one run of this program.
type speed struct {
	w                     io.Writer
	dir, program, profile string
	runs                  int
}

// peers are the commands that are held against ours, by the name of the log.
func (s speed) commands(log string) []command {
	all := []command{{"auditsetup simulate", []string{s.program, "simulate", "--profile", s.profile, "-o", "json", log}}}
	if jq, err := jq(); err != nil {
		fmt.Fprintf(s.w, "jq is not compared: %v\n", err)
	} else {
		all = append(all, command{"jq", []string{jq, "-n", `reduce inputs as $e ({}; .[$e.level + " " + $e.verb] += 1)`, log}})
	}
	return append(all, command{"wc -l", []string{"wc", "-l", log}})
}

type command struct {
	name string
	argv []string
}

// jq finds it, or gets it from Debian.
func jq() (string, error) {
	if path, err := exec.LookPath("jq"); err == nil {
		return path, nil
	}
	if os.Getuid() != 0 {
		return "", errors.New("it is not installed, and only root can get it from Debian")
	}
	if out, err := exec.Command("apt-get", "install", "-y", "jq").CombinedOutput(); err != nil {
		return "", fmt.Errorf("apt-get install jq: %w: %s", err, out)
	}
	return exec.LookPath("jq")
}

// compare measures all commands on both workloads, in turn, so that they share
// what else the machine does.
func (s speed) compare(size int64) error {
	for _, load := range workloads {
		log := filepath.Join(s.dir, load.name+".log")
		events, err := load.write(log, size)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.w, "%s: %d events, %d MiB, profile %s\n", load.name, events, size>>20, s.profile)
		commands := s.commands(log)
		took := make([][]time.Duration, len(commands))
		peak := make([]int64, len(commands))
		for i := range s.runs + 1 {
			for k, c := range commands {
				one, memory, err := measure(c.argv)
				if err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
				if i > 0 || c.name == "jq" { // the first is to warm up, which jq is too slow for
					took[k] = append(took[k], one)
				}
				peak[k] = max(peak[k], memory)
				if c.name == "jq" && len(took[k]) == 2 {
					commands[k].argv = []string{"true"}
				}
			}
		}
		s.print(commands, took, peak, size)
		if err := os.Remove(log); err != nil {
			return err
		}
	}
	return nil
}

func (s speed) print(commands []command, took [][]time.Duration, peak []int64, size int64) {
	ours := median(took[0])
	for k, c := range commands {
		if c.name == "jq" {
			took[k] = took[k][:min(2, len(took[k]))]
		}
		m := median(took[k])
		fmt.Fprintf(s.w, "  %-20s %8.3f s  %9.1f MiB/s  %6.1f MiB at most", c.name, m.Seconds(), float64(size)/(1<<20)/m.Seconds(), float64(peak[k])/(1<<20))
		if k > 0 {
			fmt.Fprintf(s.w, "  = %.2f x ours", m.Seconds()/ours.Seconds())
		}
		fmt.Fprintln(s.w)
	}
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

// measure runs a command and gives its time and the most memory it had, in bytes.
func measure(argv []string) (time.Duration, int64, error) {
	c := exec.CommandContext(context.Background(), argv[0], argv[1:]...)
	var said strings.Builder
	c.Stderr = &said
	began := time.Now()
	if err := c.Run(); err != nil {
		return 0, 0, fmt.Errorf("%w: %s", err, said.String())
	}
	took := time.Since(began)
	usage, _ := c.ProcessState.SysUsage().(*syscall.Rusage)
	return took, usage.Maxrss << 10, nil
}

// grow shows that time grows with the size and memory does not.
func (s speed) grow() error {
	for _, load := range workloads {
		for _, mib := range []int64{10, 100, 1024, 4096} {
			log := filepath.Join(s.dir, "grow.log")
			if _, err := load.write(log, mib<<20); err != nil {
				return err
			}
			var took []time.Duration
			var peak int64
			for range s.runs {
				one, memory, err := measure(s.commands(log)[0].argv)
				if err != nil {
					return err
				}
				took, peak = append(took, one), max(peak, memory)
			}
			m := median(took)
			fmt.Fprintf(s.w, "%s, %5d MiB: %7.3f s, %7.1f MiB/s, %5.1f MiB of memory\n", load.name, mib, m.Seconds(), float64(mib)/m.Seconds(), float64(peak)/(1<<20))
		}
	}
	return nil
}
