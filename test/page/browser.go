// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package page

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/chromedp/chromedp"
)

// programs are the names under which a Chromium is known.
var programs = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// lookPath is how exec finds programs, for findBrowser.
type lookPath func(string) (string, error)

// findBrowser gives the path of a Chromium. Where there is none, it has install
// bring Debian's if this is root; else the error says what to do.
func findBrowser(look lookPath, root bool, install func() error) (string, error) {
	find := func() (string, bool) {
		for _, name := range programs {
			if path, err := look(name); err == nil {
				return path, true
			}
		}
		return "", false
	}
	if path, ok := find(); ok {
		return path, nil
	}
	if !root {
		return "", errors.New("no Chromium here, and only root may install it: apt-get install chromium, or run the test as root")
	}
	if err := install(); err != nil {
		return "", fmt.Errorf("no Chromium here, and it could not be installed; have chromium or google-chrome in the PATH: %w", err)
	}
	if path, ok := find(); ok {
		return path, nil
	}
	return "", errors.New("apt-get install chromium went well, and there is still no chromium in the PATH")
}

// installDebian installs Debian's Chromium with all it needs: unlike the
// packages that test/node only unpacks, it starts nothing, and its hundred
// libraries are not to be had otherwise. The lists of packages are fetched only
// when it fails without.
func installDebian(ctx context.Context) error {
	apt := func(args ...string) error {
		cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-q", "-y", "-o", "DPkg::Lock::Timeout=300"}, args...)...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, out[max(0, len(out)-2000):])
		}
		return nil
	}
	install := []string{"install", "--no-install-recommends", "chromium", "fonts-dejavu-core"}
	if err := apt(install...); err == nil {
		return nil
	}
	if err := apt("update"); err != nil {
		return err
	}
	return apt(install...)
}

// startBrowser runs Chromium until ctx ends. It knows no name of a host but
// this machine's own, so that what a page might ask of others cannot leave.
func startBrowser(ctx context.Context) (context.Context, context.CancelFunc, error) {
	program, err := findBrowser(exec.LookPath, os.Geteuid() == 0, func() error { return installDebian(ctx) })
	if err != nil {
		return nil, nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("hide-scrollbars", false),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to run as root with it
	}
	allocator, stopAllocator := chromedp.NewExecAllocator(ctx, options...)
	browser, stopBrowser := chromedp.NewContext(allocator)
	stop := func() { stopBrowser(); stopAllocator() }
	if err := chromedp.Do(browser); err != nil {
		stop()
		return nil, nil, fmt.Errorf("%s does not start: %w", program, err)
	}
	return browser, stop, nil
}
