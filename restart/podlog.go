// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package restart

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

// logFile is the log of one start of a container.
type logFile struct {
	path  string
	size  int64
	since time.Time // of its last change
}

// logs are the logs of a container, the latest first. The kubelet lays them out
// as NAMESPACE_POD-NODE_UID/CONTAINER/COUNT.log (k8s.io/kubernetes
// pkg/kubelet/kuberuntime/helpers.go, BuildContainerLogsDirectory).
func logs(folder, namespace, pod, container string) []logFile {
	names, err := filepath.Glob(filepath.Join(escapeGlob(folder), escapeGlob(namespace+"_"+pod)+"-*_*", escapeGlob(container), "*.log"))
	if err != nil {
		return nil
	}
	var found []logFile
	for _, name := range names {
		if _, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(name), ".log")); err != nil {
			continue
		}
		if info, err := os.Stat(name); err == nil {
			found = append(found, logFile{name, info.Size(), info.ModTime()})
		}
	}
	slices.SortFunc(found, func(a, b logFile) int { return b.since.Compare(a.since) })
	return found
}

func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(s)
}

// tail is the end of a log as the container wrote it, in lines.
func tail(file string) []string {
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
