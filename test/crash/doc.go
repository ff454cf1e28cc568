// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package crash stops auditsetup at every system call by which it changes a
// host: strace kills it there, or gives it an error in place of the call. The
// tests look at what is left of the host each time, and that the next command
// comes to a clean end. What package node shows for its own steps is shown here
// for the finished program and the calls that the kernel sees. Only tests are in
// it; they work on images of a machine in memory and need no root, only the right
// to trace a child.
package crash
