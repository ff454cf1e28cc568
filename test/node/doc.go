// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package node runs a whole control-plane node on this machine: containerd from
// Debian's package, and kubelet, etcd and kube-apiserver of a Kubernetes release
// built from source, with the certificates and static pod manifests that the
// release's own kubeadm writes. No registry is asked for an image. It is a
// module of its own, so that none of this weighs on the tool's go.mod.
//
// The node and the tests live in namespaces of their own (see [Main]): mounts,
// processes, network, host name. There /etc/kubernetes, /var/lib/auditsetup,
// /run/containerd and the like are where every real node has them, so a test
// uses plain paths and runs auditsetup with its defaults, while the machine's
// own folders are out of sight and the rest of its root file system is
// read-only. When the first process of the namespaces ends, for whatever reason,
// the kernel takes all others, the mounts and the network along.
package node
