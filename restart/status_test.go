// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package restart

import (
	"strings"
	"testing"
)

func TestParsePods(t *testing.T) {
	t.Parallel()
	const other = `{"metadata":{"namespace":"kube-system","name":"etcd-node","annotations":{"kubernetes.io/config.source":"file"}}},
{"metadata":{"namespace":"kube-system","name":"kube-apiserver-proxy","annotations":{"kubernetes.io/config.source":"api"}}},`
	pod := func(status string) string {
		return `{"items":[` + other + `{"metadata":{"namespace":"kube-system","name":"kube-apiserver-node",
"annotations":{"kubernetes.io/config.source":"file","kubernetes.io/config.hash":"h"}},"status":` + status + `}]}`
	}
	for name, test := range map[string]struct {
		text string
		want status
	}{
		"runs":           {pod(`{"containerStatuses":[{"name":"kube-apiserver","state":{"running":{}}}]}`), status{hash: "h"}},
		"being made":     {pod(`{"containerStatuses":[{"name":"kube-apiserver","state":{"waiting":{"reason":"ContainerCreating"}}}]}`), status{hash: "h"}},
		"no image":       {pod(`{"containerStatuses":[{"name":"kube-apiserver","state":{"waiting":{"reason":"ErrImagePull","message":"not\nfound"}}}]}`), status{hash: "h", stuck: "ErrImagePull: not found"}},
		"backing off":    {pod(`{"containerStatuses":[{"name":"kube-apiserver","state":{"waiting":{"reason":"ImagePullBackOff"}}}]}`), status{hash: "h", stuck: "ImagePullBackOff"}},
		"crashes":        {pod(`{"containerStatuses":[{"name":"kube-apiserver","state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"exitCode":1,"reason":"Error"}}}]}`), status{hash: "h", ended: "exit code 1"}},
		"out of memory":  {pod(`{"containerStatuses":[{"name":"kube-apiserver","state":{"terminated":{"exitCode":137,"reason":"OOMKilled"}}}]}`), status{hash: "h", ended: "exit code 137, OOMKilled"}},
		"not admitted":   {pod(`{"phase":"Failed","reason":"OutOfcpu","message":"too little"}`), status{hash: "h", stuck: "OutOfcpu: too little"}},
		"a sidecar":      {pod(`{"containerStatuses":[{"name":"sidecar","state":{"waiting":{"reason":"ErrImagePull"}}}]}`), status{hash: "h"}},
		"no such pod":    {`{"items":[` + strings.TrimSuffix(other, ",") + `]}`, status{}},
		"nothing at all": {`{}`, status{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parsePods([]byte(test.text), "kube-system", "kube-apiserver", "kube-apiserver")
			if err != nil || got != test.want {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
		})
	}
	if _, err := parsePods([]byte("Unauthorized"), "a", "b", "c"); err == nil {
		t.Error("no error for what is no list")
	}
}
