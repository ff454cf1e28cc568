// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package tuning turns a load into the numbers of an audit backend: batch
// size, throttle and buffer, how the log file is rotated, and what comes of all
// that: latency, memory, what a stall and an outage cost. All of it is
// arithmetic. Nothing here reads a file, a cluster or a clock, and the same
// load always gives the same numbers.
//
// Each number is a [Value], which carries the formula with the load's own
// figures in it, the reason, and where upstream can be read. A setting that
// cannot say why it is what it is does not leave this package. What was set by
// hand is never corrected: it is judged, and a [Warning] names the nearest
// choice that holds.
//
// Buffer and throttle go by the peak, disk and retention by the mean. Numbers
// are for one kube-apiserver. A request is audited by the server that answers
// it, so a cluster's rate is to be split over its API servers first, with
// [FromCluster]. Versions do not matter here but for one flag:
// audit-log-compress is known from 1.20 on.
//
// What upstream's code does with settings is in package model, and is held
// against that code by test/oracle.
package tuning
