// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"bytes"
	"flag"
	"strings"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the corpus below testdata/manifests anew")

const (
	kubeadmDir = "../testdata/kubeadm"
	corpusDir  = "../testdata/manifests"
)

// variants are the ways in which people, editors and tools leave a manifest
// that kubeadm wrote. A name that begins with "foreign" carries audit settings
// of somebody else. The outcome of each on each kubeadm's manifest is kept in
// testdata/manifests, so that what is tested can be read.
var variants = map[string]func(s string) string{
	"kubeadm":          func(s string) string { return s },
	"crlf":             func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
	"crlf-no-newline":  func(s string) string { return strings.TrimSuffix(strings.ReplaceAll(s, "\n", "\r\n"), "\r\n") },
	"no-final-newline": func(s string) string { return strings.TrimSuffix(s, "\n") },
	"document-marks":   func(s string) string { return "%YAML 1.1\n---\n# made by kubeadm\n" + s + "...\n# the end\n" },
	"trailing-blanks":  trailingBlanks,
	"comments":         comments,
	"byte-order-mark":  func(s string) string { return "\xef\xbb\xbf" + s },
	"re-encoded":       reEncoded,
	"json":             func(s string) string { return toJSON(s, "  ") },
	"json-tabs":        func(s string) string { return toJSON(s, "\t") },
	"json-compact":     func(s string) string { return toJSON(s, "") },
	"flow-command": func(s string) string {
		return mapCommand(s, func(f []string) string { return " [" + strings.Join(f, ", ") + "]\n" })
	},
	"flow-lines": func(s string) string {
		return mapCommand(s, func(f []string) string { return " [\n      " + strings.Join(f, ",\n      ") + "\n    ]\n" })
	},
	"flow-remarks": func(s string) string {
		return mapCommand(s, func(f []string) string {
			return " [ # the program\n      \"" + strings.Join(f, "\", # [it's, a] \"remark\"\n      \"") + "\" # the last\n    ]\n"
		})
	},
	"flow-trailing-comma": func(s string) string {
		return mapCommand(s, func(f []string) string { return " [\n      " + strings.Join(f, ",\n      ") + ", # last\n    ]\n" })
	},
	"quoted": func(s string) string {
		return mapCommand(s, func(f []string) string {
			for i := range f {
				f[i] = []string{`"` + f[i] + `"`, `'` + f[i] + `'`, f[i]}[i%3]
			}
			return list(f)
		})
	},
	"two-items": func(s string) string {
		return mapCommand(s, func(f []string) string {
			for i := range f {
				name, value, found := strings.Cut(f[i], "=")
				if value == "true" || value == "6443" { // the kubelet wants text
					value = "'" + value + "'"
				}
				if f[i] = name; found {
					f[i] += "\n    - " + value
				}
			}
			return list(f)
		})
	},
	"args": func(s string) string {
		return mapCommand(s, func(f []string) string { return list(f[:1]) + "    args:" + list(f[1:]) })
	},
	"args-only": func(s string) string {
		return strings.Replace(strings.Replace(s, "  - command:\n    - kube-apiserver\n", "  - args:\n", 1), "    - --tls-cert", "    # tls\n    - --tls-cert", 1)
	},
	"args-empty":     func(s string) string { return strings.Replace(s, "    image:", "    args: []\n    image:", 1) },
	"sidecars":       sidecars,
	"no-annotations": noAnnotations,
	"empty-annotations": func(s string) string {
		return strings.Replace(noAnnotations(s), "  labels:", "  annotations: {}\n  labels:", 1)
	},
	"null-annotations": func(s string) string {
		return strings.Replace(noAnnotations(s), "  labels:", "  annotations: # none yet\n  labels:", 1)
	},
	"explicit-nulls": func(s string) string {
		s = strings.Replace(noAnnotations(s), "  labels:", "  annotations: null\n  labels:", 1)
		return replaceLists(s, "    volumeMounts: ~\n", "  volumes: null # soon\n")
	},
	"no-volumes":    func(s string) string { return replaceLists(s, "", "") },
	"empty-volumes": func(s string) string { return replaceLists(s, "    volumeMounts: []\n", "  volumes: [ ]\n") },
	"null-volumes":  func(s string) string { return replaceLists(s, "    volumeMounts:\n", "  volumes:\n  # none\n") },
	"flow-volumes": func(s string) string {
		return replaceLists(s, "    volumeMounts: [{name: a, mountPath: /a}, {mountPath: /b, name: b}]\n",
			"  volumes: [{name: a, hostPath: {path: /a}},\n    {name: b, hostPath: {path: /b, type: Directory}}]\n")
	},
	"parent-mounts": func(s string) string {
		return withMount(withMount(s, "logs", "/var/log", "/var/log", false), "etc", "/etc/kubernetes", "/etc/kubernetes", true)
	},
	"name-clash": func(s string) string {
		return withMount(withMount(s, "auditsetup-policy", "/opt/a", "/opt/a", false), "auditsetup-log", "/opt/b", "/opt/b", false)
	},
	"container-last":   containerLast,
	"anchors":          anchors,
	"long-scalars":     longScalars,
	"metadata-last":    metadataLast,
	"foreign":          func(s string) string { return foreign(s, "") },
	"foreign-comments": func(s string) string { return foreign(s, " # by hand") },
	"foreign-crlf":     func(s string) string { return strings.ReplaceAll(foreign(s, ""), "\n", "\r\n") },
	"foreign-first":    foreignFirst,
	"foreign-same-value": func(s string) string {
		return strings.Replace(s, "    - --secure", "    - --audit-log-maxage=30\n    - --secure", 1)
	},
	"foreign-flow": func(s string) string {
		return mapCommand(foreign(s, ""), func(f []string) string { return " [" + strings.Join(f, ", ") + "]\n" })
	},
	"foreign-json": func(s string) string { return toJSON(foreign(s, ""), "  ") },
	"foreign-args-all": func(s string) string {
		return foreignArgs(s, "\n    - --audit-log-path=/x.log\n    # age\n    - --audit-log-maxage\n    - \"1\"\n")
	},
	"dashes-alone": func(s string) string { return strings.ReplaceAll(s, "    - --", "    -  # flag\n     --") },
	"deep-remarks": func(s string) string {
		s = strings.Replace(s, "    image:", "      # the end of the flags\n    image:", 1)
		return strings.Replace(s, "status:", "      # the end of the volumes\n\n    # and of the pod\nstatus:", 1)
	},
	"mounts-first": mountsFirst,
	"anchored-keys": func(s string) string {
		s = strings.Replace(s, "  annotations:", "  &notes annotations: &all", 1)
		return strings.Replace(s, "  - command:", "  - &command command:", 1)
	},
	"commas-in-front": func(s string) string {
		return mapCommand(s, func(f []string) string { return " [\n      " + strings.Join(f, " # [a, b]\n    , ") + "\n    ]\n" })
	},
	"foreign-dashes-alone": func(s string) string {
		return strings.ReplaceAll(foreign(s, ""), "    - --audit", "    -\n        --audit")
	},
	"foreign-last-no-newline": func(s string) string { return commandLast(foreignLast(s)) },
	"foreign-last-crlf":       func(s string) string { return strings.ReplaceAll(commandLast(foreignLast(s)), "\n", "\r\n") },
	"foreign-repeated-values": func(s string) string {
		return strings.Replace(s, "    - --authorization-mode", "    - --audit-policy-file\n    - /etc/audit\n    - --oidc-ca-file\n    - /etc/audit\n    - --audit-webhook-config-file\n    - /etc/audit\n    - --authorization-mode", 1)
	},
	"foreign-stdout": func(s string) string {
		return strings.Replace(s, "    - --authorization-mode", "    - --audit-log-path\n    # audit to standard output\n    - '-'\n    - --authorization-mode", 1)
	},
	"foreign-tail-flow": func(s string) string {
		return mapCommand(foreignLast(s), func(f []string) string { return " [" + strings.Join(f, ", ") + "]\n" })
	},
	"foreign-tail-lines": func(s string) string {
		return mapCommand(foreignLast(s), func(f []string) string {
			return " [\n      " + strings.Join(f, ", # [one] flag, 'or\n      ") + ", # audit\n    ]\n"
		})
	},
	"foreign-tail-json": func(s string) string { return toJSON(foreignLast(s), "\t") },
	"foreign-args-flow": func(s string) string {
		return foreignArgs(s, " [ --audit-log-path=/x.log, --audit-log-maxage , '1' ]\n")
	},
}

// mountsFirst makes volumeMounts the first key of the container, which shares
// its line with the dash.
func mountsFirst(s string) string {
	s = replaceLists(s, "", "")
	return strings.Replace(s, "  - command:", "  - volumeMounts: ~\n    command:", 1)
}

// foreignLast puts audit flags of somebody else behind all others.
func foreignLast(s string) string {
	return strings.Replace(s, "    image:", "    - --audit-log-path=/x\n    - --audit-log-mode\n    - batch-audit\n    image:", 1)
}

// commandLast moves the command to the end of a file without final newline.
func commandLast(s string) string { return containerLast(replaceLists(s, "", "")) }

func list(flags []string) string { return "\n    - " + strings.Join(flags, "\n    - ") + "\n" }

// mapCommand writes the command list anew; the text begins behind "command:".
func mapCommand(s string, write func(flags []string) string) string {
	from := strings.Index(s, "  - command:") + len("  - command:")
	to := strings.Index(s, "    image:")
	var flags []string
	for _, l := range strings.Split(strings.TrimSpace(s[from:to]), "\n") {
		if l = strings.TrimSpace(l); strings.HasPrefix(l, "- ") {
			flags = append(flags, strings.TrimPrefix(l, "- "))
		}
	}
	return s[:from] + write(flags) + s[to:]
}

// replaceLists replaces volumeMounts and volumes, keys included.
func replaceLists(s, mounts, volumes string) string {
	from, to := strings.Index(s, "    volumeMounts:"), strings.Index(s, "  hostNetwork:")
	s = s[:from] + mounts + s[to:]
	from, to = strings.Index(s, "  volumes:"), strings.Index(s, "status:")
	return s[:from] + volumes + s[to:]
}

func withMount(s, name, mountPath, hostPath string, readOnly bool) string {
	mount := "    - mountPath: " + mountPath + "\n      name: " + name + "\n"
	if readOnly {
		mount += "      readOnly: true\n"
	}
	s = strings.Replace(s, "    volumeMounts:\n", "    volumeMounts:\n"+mount, 1)
	return strings.Replace(s, "  volumes:\n", "  volumes:\n  - name: "+name+"\n    hostPath: {path: "+hostPath+"}\n", 1)
}

func trailingBlanks(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] += []string{"", "  ", " \t"}[i%3]
	}
	return strings.Join(lines, "\n") + "\n\n   \n"
}

func comments(s string) string {
	var out strings.Builder
	for i, l := range strings.SplitAfter(s, "\n") {
		switch i % 4 {
		case 0:
			l = strings.Replace(l, "\n", "  # größer: 'than' \"this\" [that}, - --audit-log-path=/no\n", 1)
		case 1:
			l = "#\n        # - --audit-policy-file=/nowhere\n" + l
		case 2:
			l = "\n" + l
		}
		out.WriteString(l)
	}
	return "# volumes:\n" + out.String() + "# command:\n"
}

func reEncoded(s string) string {
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(s), &n); err != nil {
		panic(err)
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(4)
	if err := enc.Encode(&n); err != nil {
		panic(err)
	}
	return b.String()
}

func toJSON(s, indent string) string {
	text, err := sigsyaml.YAMLToJSON([]byte(s))
	if err != nil {
		panic(err)
	}
	if indent == "" {
		return string(text)
	}
	return indented(text, indent) + "\n"
}

func sidecars(s string) string {
	side := func(name string) string {
		return "  - name: " + name + "\n    image: registry.k8s.io/pause:3.10\n    command:\n    - /tool\n    - --audit-log-path=/theirs\n    volumeMounts:\n    - {name: ca-certs, mountPath: /etc/ssl/certs}\n"
	}
	s = strings.Replace(s, "  containers:\n", "  initContainers:\n"+side("first")+"  containers:\n"+side("before"), 1)
	return strings.Replace(s, "  hostNetwork:", side("after")+"  hostNetwork:", 1)
}

func noAnnotations(s string) string {
	from := strings.Index(s, "  annotations:")
	to := strings.Index(s, "  labels:")
	if i := strings.Index(s, "  creationTimestamp:"); i > 0 {
		to = i
	}
	return s[:from] + s[to:]
}

// containerLast moves the command to the end of its container, and the
// container to the end of a file that does not end in a line break.
func containerLast(s string) string {
	s = strings.Replace(s, "status: {}\n", "", 1)
	from, to := strings.Index(s, "    - kube-apiserver\n"), strings.Index(s, "    image:")
	command := s[from:to]
	s = strings.Replace(s[:from]+s[to:], "  - command:\n    image:", "  - image:", 1)
	s = strings.Replace(s, "  hostNetwork:", "    command:\n"+command+"  hostNetwork:", 1)
	from, to = strings.Index(s, "  containers:"), strings.Index(s, "  hostNetwork:")
	return strings.TrimSuffix(s[:from]+s[to:]+s[from:to], "\n")
}

func metadataLast(s string) string {
	from, to := strings.Index(s, "metadata:"), strings.Index(s, "spec:")
	return noAnnotations(s[:from] + s[to:] + s[from:to])
}

func anchors(s string) string {
	s = strings.Replace(s, "    component: kube-apiserver", "    component: &name !!str kube-apiserver", 1)
	s = strings.Replace(s, "  name: kube-apiserver\n  namespace", "  name: *name\n  namespace", 1)
	s = strings.Replace(s, "    - kube-apiserver\n", "    - &program kube-apiserver\n", 1)
	return strings.Replace(s, "  volumes:\n", "  volumes: &volumes\n", 1)
}

func longScalars(s string) string {
	s = strings.Replace(s, "  annotations:\n", "  annotations:\n    example.com/folded: >-\n      one\n      # not a remark\n\n      two\n    example.com/plain: one\n      two # three\n", 1)
	s = strings.Replace(s, "endpoint: 192.0.2.10:6443\n", "endpoint: 192.0.2.10:6443\n    example.com/kept: |+\n      text\n\n\n", 1)
	return strings.Replace(s, "    - --tls-private-key-file=/etc/kubernetes/pki/apiserver.key\n",
		"    -\n      --tls-private-key-file=/etc/kubernetes/pki/apiserver.key\n    - |-\n      --v=2\n    - \"--goaway-chance=\\\n      0.001\"\n    - '--feature-gates=it''s=\n      false'\n    - --profiling=false\n", 1)
}

const foreignFlags = "--audit-log-maxage=7\n--audit-log-maxbackup=3\n--audit-log-maxsize=50\n--audit-log-path=/var/log/old/audit.log\n--audit-log-path=/var/log/newer/audit.log\n--audit-policy-file=/etc/kubernetes/pki/policy.yaml\n--audit_webhook_config_file=/etc/kubernetes/pki/webhook.yaml\n--audit-log-compress"

func foreign(s, remark string) string {
	lines := "    - " + strings.ReplaceAll(foreignFlags, "\n", remark+"\n    - ") + remark + "\n    - --audit-log-format\n    - json\n"
	return strings.Replace(s, "    - --authorization-mode", lines+"    - --authorization-mode", 1)
}

func foreignFirst(s string) string {
	s = strings.Replace(s, "    - kube-apiserver\n", "    - kube-apiserver\n    # log\n    - --audit-log-path=/x\n\n    - --audit-policy-file=/p # policy\n    # rest\n", 1)
	return strings.Replace(s, "    image:", "    - '--audit-log-batch-max-size=5'\n    # end of it\n    image:", 1)
}

func foreignArgs(s, args string) string {
	return strings.Replace(s, "    image:", "    args:"+args+"    image:", 1)
}
