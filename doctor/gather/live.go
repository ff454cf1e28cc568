// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/doctor"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/live"
	"github.com/auditsetup/auditsetup/restart"
)

// running looks at the process and asks the server.
func (g *gathering) running(ctx context.Context) {
	server := live.Describe(g.Manifest)
	p, found, err := g.place.Machine.ServerAt(server.Host, server.Port)
	switch {
	case err != nil:
		g.unseen("the running kube-apiserver", err.Error())
	case !found:
		g.unseen("the process of the kube-apiserver", "none on this network listens at "+server.Address()+", or its files belong to somebody else")
	default:
		g.Process = &doctor.Process{PID: p.PID, Args: p.Args, AsManifest: p.Runs(g.Manifest.Command()), Started: started(g.place.Machine, p.PID)}
	}
	client, err := live.Connect(server)
	if err == nil {
		g.NotReady = client.Ready(ctx)
		if g.NotReady == nil {
			g.ask(ctx, client)
			return
		}
		err = g.NotReady
	} else {
		err = fmt.Errorf("%s", document.ProblemsOf(err)[0].What)
	}
	g.unseen("what the kube-apiserver tells (metrics, kubeadm-config)", err.Error())
	if g.Version.Minor == 0 {
		g.noVersion("neither the image nor the server tells it")
	}
}

// ask wants the version, where the image does not tell it, the counters and the
// configuration of kubeadm.
func (g *gathering) ask(ctx context.Context, client *live.Client) {
	if g.Version.Minor == 0 {
		said, err := client.Version(ctx)
		if err == nil {
			g.Version, err = apiserver.ParseVersion(said)
		}
		if err != nil {
			g.noVersion(err.Error())
		}
	}
	const what = "events and losses (/metrics)"
	if body, ok := g.get(ctx, client, what, "/metrics"); ok {
		if g.Metrics = parseMetrics(string(body)); g.Metrics == nil {
			g.unseen(what, "the kube-apiserver counts none")
		}
	}
	const config = "the ConfigMap kube-system/kubeadm-config"
	if body, ok := g.get(ctx, client, config, "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"); ok {
		if g.Kubeadm = parseKubeadm(body); g.Kubeadm == nil {
			g.unseen(config, "it holds no ClusterConfiguration that can be read")
		}
	}
}

// get says false, and why, when there is no answer to use.
func (g *gathering) get(ctx context.Context, client *live.Client, what, url string) ([]byte, bool) {
	answer, err := client.Get(ctx, url)
	switch {
	case err != nil:
		g.unseen(what, err.Error())
	case answer.Status == http.StatusForbidden || answer.Status == http.StatusUnauthorized:
		g.unseen(what, "none of the credentials here may read it")
	case answer.Status == http.StatusNotFound:
		g.unseen(what, "there is none in this cluster")
	case answer.Status != http.StatusOK:
		g.unseen(what, fmt.Sprintf("the kube-apiserver answers %d %s", answer.Status, http.StatusText(answer.Status)))
	default:
		return answer.Body, true
	}
	return nil, false
}

// parseKubeadm takes the audit flags and the volumes out of the ConfigMap, of
// any API version: extraArgs are a mapping before v1beta4, and a list from there
// on (k8s.io/kubernetes cmd/kubeadm/app/apis/kubeadm). Nothing else is kept, as
// it may hold credentials.
func parseKubeadm(body []byte) *doctor.Kubeadm {
	var object struct {
		Data map[string]string `json:"data"`
	}
	var config struct {
		APIServer struct {
			ExtraArgs    json.RawMessage `json:"extraArgs"`
			ExtraVolumes []struct {
				HostPath  string `json:"hostPath"`
				MountPath string `json:"mountPath"`
			} `json:"extraVolumes"`
		} `json:"apiServer"`
	}
	if json.Unmarshal(body, &object) != nil || object.Data["ClusterConfiguration"] == "" || yaml.Unmarshal([]byte(object.Data["ClusterConfiguration"]), &config) != nil {
		return nil
	}
	k := &doctor.Kubeadm{Flags: map[string]string{}, Volumes: map[string]string{}}
	var list []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	flags := map[string]string{}
	if args := config.APIServer.ExtraArgs; len(args) > 0 && json.Unmarshal(args, &flags) != nil && json.Unmarshal(args, &list) != nil {
		return nil
	}
	for _, a := range list {
		flags[a.Name] = a.Value
	}
	for name, value := range flags {
		if name = strings.ReplaceAll(name, "_", "-"); strings.HasPrefix(name, "audit-") {
			k.Flags[name] = value
		}
	}
	for _, v := range config.APIServer.ExtraVolumes {
		k.Volumes[path.Clean(v.MountPath)] = v.HostPath
	}
	return k
}

// ticks are those of a second in /proc, on every system that Go runs on
// (proc(5), sysconf(_SC_CLK_TCK)).
const ticks = 100

// started is when a process began, zero when it is not known: field 22 of its
// stat counts from the start of the machine, as /proc/uptime does.
func started(m restart.Machine, pid int) time.Time {
	proc := m.Proc
	if proc == "" {
		proc = "/proc"
	}
	stat, statErr := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "stat"))
	uptime, upErr := os.ReadFile(filepath.Join(proc, "uptime"))
	now := time.Now()
	fields, up := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])), strings.Fields(string(uptime))
	if statErr != nil || upErr != nil || len(fields) < 20 || len(up) < 1 {
		return time.Time{}
	}
	after, err := strconv.ParseFloat(fields[19], 64)
	since, upErr := strconv.ParseFloat(up[0], 64)
	if err != nil || upErr != nil {
		return time.Time{}
	}
	return now.Add(-time.Duration((since - after/ticks) * float64(time.Second)))
}
