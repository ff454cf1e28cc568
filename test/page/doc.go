// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package page proves the page of package report in a real browser, headless
// Chromium: on a phone, a tablet, a desk and paper, light and dark. Its tests
// take the machine's Chromium, and as root on Debian install it where there is
// none; elsewhere they fail and say what to install.
//
// AUDITSETUP_SHOTS names a folder for the screenshots and the printed pages;
// without it they are not kept.
package page

import _ "embed"

// probe are the functions that the tests call in the page.
//
//go:embed probe.js
var probe string
