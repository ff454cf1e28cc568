// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/manifest"
)

// KubeadmAPIs are the versions of kubeadm's configuration that can be written,
// the oldest first. In v1beta4 extraArgs is a list, before it a mapping. The
// experimental v1 of 1.37 is not among them: kubeadm init refuses it (kubernetes
// cmd/kubeadm/app/apis/kubeadm/scheme/scheme.go of 1.13 to 1.37).
var KubeadmAPIs = []string{"v1beta2", "v1beta3", "v1beta4"}

// kubeadmGroup begins the apiVersion of kubeadm's kinds.
const kubeadmGroup = "kubeadm.k8s.io/"

// KubeadmAPI is the API version that the kubeadm of a Kubernetes version writes
// itself.
func KubeadmAPI(v apiserver.Version) string {
	switch {
	case v.AtLeast(31):
		return "v1beta4"
	case v.AtLeast(22):
		return "v1beta3"
	}
	return "v1beta2"
}

// readBy says by which minors' kubeadm each API version is read.
var readBy = map[string]struct{ from, to int }{"v1beta2": {15, 26}, "v1beta3": {22, 36}, "v1beta4": {31, apiserver.NewestMinor}}

// ReadsKubeadmAPI tells whether the kubeadm of a Kubernetes version reads an API
// version of [KubeadmAPIs].
func ReadsKubeadmAPI(v apiserver.Version, api string) bool {
	by, known := readBy[api]
	return known && v.Minor >= by.from && v.Minor <= by.to
}

// Config is a ClusterConfiguration with nothing but our part, in one of
// KubeadmAPIs.
func (k *Kubeadm) Config(api string) []byte {
	var c comment
	c.say("Kubernetes audit logging as a part of kubeadm's configuration, by auditsetup.")
	c.say("")
	c.say("It is not complete, and kubeadm would take its defaults for all that is not in it: put it into the")
	c.say("configuration of the cluster first. auditsetup patch --format kubeadm-config --into FILE does that for a file from")
	c.say("     kubectl -n kube-system get configmap kubeadm-config -o 'jsonpath={.data.ClusterConfiguration}' > FILE")
	k.configHelp(&c)
	c.WriteString("apiVersion: " + kubeadmGroup + api + "\nkind: ClusterConfiguration\napiServer:\n")
	for _, line := range k.section(api, 2) {
		c.WriteString(line + "\n")
	}
	return []byte(c.String())
}

func (k *Kubeadm) configHelp(c *comment) {
	c.say("")
	c.say("To apply FILE, on each control plane node, one after the other:")
	c.say("  1. put there what the kube-apiserver reads when it starts, and where it writes:")
	c.files(k, "")
	c.say("  2. have kubeadm write the manifest:")
	c.say("     kubeadm init phase control-plane apiserver --config FILE")
	c.say("     (of a node with several addresses, put an InitConfiguration with its localAPIEndpoint.advertiseAddress in front)")
	c.say("  3. wait for the API server, and go on to the next node.")
	c.say("Then once, so that kubeadm upgrade and kubeadm join keep it:")
	c.say("     kubeadm init phase upload-config kubeadm --config FILE")
	c.say("To take it back, remove the audit- arguments and the %s volumes from FILE, and do 2, 3 and the last step again.", VolumePrefix)
}

// section is the lines of apiServer's two keys.
func (k *Kubeadm) section(api string, indent int) []string {
	pad := strings.Repeat(" ", indent)
	lines := append([]string{pad + "extraArgs:"}, argLines(k.Flags, api, pad+"  ", pad)...)
	if len(k.Mounts) > 0 {
		lines = append(append(lines, pad+"extraVolumes:"), volumeLines(k.Mounts, pad)...)
	}
	return lines
}

// argLines are flags as entries of extraArgs, a mapping with its keys behind
// keyPad or a list with its dashes behind dashPad.
func argLines(flags []manifest.Flag, api, keyPad, dashPad string) []string {
	var lines []string
	for _, f := range flags {
		if isList(api) {
			lines = append(lines, dashPad+"- name: "+f.Name, dashPad+"  value: "+text(f.Value))
		} else {
			lines = append(lines, keyPad+f.Name+": "+text(f.Value))
		}
	}
	return lines
}

// volumeLines are mounts as items of extraVolumes.
func volumeLines(mounts []manifest.Mount, pad string) []string {
	var lines []string
	for _, w := range mounts {
		lines = append(lines, pad+"- name: "+w.Name, pad+"  hostPath: "+text(w.HostPath), pad+"  mountPath: "+text(w.MountPath))
		if w.ReadOnly {
			lines = append(lines, pad+"  readOnly: true")
		}
		if w.Type != "" {
			lines = append(lines, pad+"  pathType: "+w.Type)
		}
	}
	return lines
}

// isList tells whether extraArgs is a list in this API version.
func isList(api string) bool { return api == "v1beta4" }

// The first and the last line of what [Kubeadm.Headed] puts in front.
const (
	headBegins = "# Kubernetes audit logging was put into this file by auditsetup."
	headEnds   = "# (end of what auditsetup has to say)"
)

// Headed puts in front of a kubeadm configuration what is in it and how it is
// applied and taken back, in place of what an earlier call put there.
func (k *Kubeadm) Headed(file string, config []byte) []byte {
	var c comment
	c.say("")
	c.say("FILE is %s here.", file)
	k.configHelp(&c)
	head := headBegins + "\n" + c.String() + headEnds + "\n"
	if i := bytes.IndexByte(config, '\n'); i > 0 && config[i-1] == '\r' {
		head = strings.ReplaceAll(head, "\n", "\r\n")
	}
	mark := []byte("\xef\xbb\xbf")
	rest := withoutHead(bytes.TrimPrefix(config, mark))
	if !bytes.HasPrefix(config, mark) {
		mark = nil
	}
	return bytes.Join([][]byte{mark, []byte(head), rest}, nil)
}

// withoutHead takes off what Headed put there, if it is as it was.
func withoutHead(config []byte) []byte {
	if !bytes.HasPrefix(config, []byte(headBegins)) {
		return config
	}
	for at := 0; at < len(config) && config[at] == '#'; {
		end := bytes.IndexByte(config[at:], '\n')
		if end < 0 {
			break
		}
		if bytes.HasPrefix(config[at:], []byte(headEnds)) {
			return config[at+end+1:]
		}
		at += end + 1
	}
	return config
}

// argument is one entry of extraArgs, for messages.
func argument(name, value string) string { return fmt.Sprintf("%s: %q", name, value) }
