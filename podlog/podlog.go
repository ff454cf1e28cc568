// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

// Package podlog reads what a container of a static pod wrote, from the files in
// which the kubelet keeps it: no runtime's tools are needed, and no API server.
package podlog

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxTail bounds what is read of the end of a log. A panic with all goroutines
// is longer; its first lines are then missed, not its last.
const maxTail = 256 << 10

// File is the log of one start of a container.
type File struct {
	Path string
	// Size is in bytes, Changed when it was last written to.
	Size    int64
	Changed time.Time
}

// Of gives the logs of a container below the kubelet's folder for them, the
// latest first; none when there is nothing or it cannot be read. The kubelet lays them out
// as NAMESPACE_POD-NODE_UID/CONTAINER/COUNT.log (k8s.io/kubernetes
// pkg/kubelet/kuberuntime/helpers.go, BuildContainerLogsDirectory).
func Of(folder, namespace, pod, container string) []File {
	names, err := filepath.Glob(filepath.Join(escapeGlob(folder), escapeGlob(namespace+"_"+pod)+"-*_*", escapeGlob(container), "*.log"))
	if err != nil {
		return nil
	}
	var found []File
	for _, name := range names {
		if _, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(name), ".log")); err != nil {
			continue
		}
		if info, err := os.Stat(name); err == nil {
			found = append(found, File{name, info.Size(), info.ModTime()})
		}
	}
	slices.SortFunc(found, func(a, b File) int { return b.Changed.Compare(a.Changed) })
	return found
}

func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(s)
}

// Tail is the end of a log as the container wrote it, in lines; nil when it
// cannot be read.
func Tail(file string) []string {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	cut := false
	if info, err := f.Stat(); err == nil && info.Size() > maxTail {
		_, err = f.Seek(-maxTail, io.SeekEnd)
		cut = err == nil
	}
	data, err := io.ReadAll(io.LimitReader(f, maxTail))
	if err != nil {
		return nil
	}
	if cut {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	return parseLog(data)
}

// parseLog takes the runtime's framing from the lines of a log: that of the CRI,
// TIME STREAM TAGS TEXT, where the tag P says that the line goes on in the next
// entry of its stream (k8s.io/cri-client pkg/logs/logs.go), or docker's JSON.
// Other lines are taken as they are.
func parseLog(data []byte) []string {
	var lines []string
	partial := map[string]string{}
	for line := range bytes.Lines(data) {
		stream, text, whole := parseLine(bytes.TrimRight(line, "\n"))
		partial[stream] += text
		if whole {
			lines = append(lines, strings.TrimRight(partial[stream], "\r\n"))
			partial[stream] = ""
		}
	}
	for _, stream := range []string{"stdout", "stderr"} {
		if partial[stream] != "" {
			lines = append(lines, partial[stream])
		}
	}
	return lines
}

func parseLine(line []byte) (stream, text string, whole bool) {
	var docker struct {
		Log    *string `json:"log"`
		Stream string  `json:"stream"`
	}
	if bytes.HasPrefix(line, []byte(`{"log":`)) && json.Unmarshal(line, &docker) == nil && docker.Log != nil {
		return docker.Stream, *docker.Log, strings.HasSuffix(*docker.Log, "\n")
	}
	fields := strings.SplitN(string(line), " ", 4)
	if len(fields) < 3 || fields[1] != "stdout" && fields[1] != "stderr" {
		return "", string(line), true
	}
	if _, err := time.Parse(time.RFC3339Nano, fields[0]); err != nil {
		return "", string(line), true
	}
	if len(fields) == 4 {
		text = fields[3]
	}
	tag, _, _ := strings.Cut(fields[2], ":")
	return fields[1], text, tag != "P"
}
