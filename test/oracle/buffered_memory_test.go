// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package oracle

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apiruntime "k8s.io/apimachinery/pkg/runtime"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/audit"

	"github.com/auditsetup/auditsetup/tuning/model"
)

// sampleText is an event of level Metadata as a controller of a current version
// makes them, with places for two numbers and the bodies.
const sampleText = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"%s","auditID":"4d2b7a0e-5a3a-4a0e-9a7c-%012d","stage":"ResponseComplete",` +
	`"requestURI":"/apis/apps/v1/namespaces/kube-system/deployments/coredns-%d?timeout=32s","verb":"patch","user":{"username":"system:serviceaccount:kube-system:deployment-controller",` +
	`"uid":"be0c9bd6-6c1c-4ef7-bc59-9d0a1ee7e1d4","groups":["system:serviceaccounts","system:serviceaccounts:kube-system","system:authenticated"],` +
	`"extra":{"authentication.kubernetes.io/credential-id":["JTI=7ee52be0-9045-4653-aa5e-0da57b8dccdc"],"authentication.kubernetes.io/node-name":["cp-1"],` +
	`"authentication.kubernetes.io/pod-name":["kube-controller-manager-7d8f6c"]}},"sourceIPs":["10.0.0.11"],` +
	`"userAgent":"kube-controller-manager/v1.37.1 (linux/amd64) kubernetes/8adc0f0/system:serviceaccount:kube-system:deployment-controller",` +
	`"objectRef":{"resource":"deployments","namespace":"kube-system","name":"coredns","apiGroup":"apps","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},` +
	`"requestReceivedTimestamp":"2026-11-22T08:00:00.123456Z","stageTimestamp":"2026-11-22T08:00:00.130456Z","annotations":{"authorization.k8s.io/decision":"allow",` +
	`"authorization.k8s.io/reason":"RBAC: allowed by ClusterRoleBinding \"system:controller:deployment-controller\" of ClusterRole"}%s}`

// sampleEvent is one of its own, sharing no memory with another: of level
// Metadata, or with bodies of so many bytes in all.
func sampleEvent(t testing.TB, number, body int) *auditinternal.Event {
	t.Helper()
	level, bodies := "Metadata", ""
	if body > 0 {
		raw := `{"kind":"Deployment","apiVersion":"apps/v1","data":"` + strings.Repeat("x", body/2-53) + `"}`
		level, bodies = "RequestResponse", `,"requestObject":`+raw+`,"responseObject":`+raw
	}
	text := fmt.Sprintf(sampleText, level, number, number, bodies)
	object, err := apiruntime.Decode(audit.Codecs.UniversalDecoder(auditinternal.SchemeGroupVersion), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return object.(*auditinternal.Event)
}

// encode is an event as a line of the log.
func encode(t testing.TB, e *auditinternal.Event) []byte {
	t.Helper()
	line, err := apiruntime.Encode(audit.Codecs.LegacyCodec(auditv1.SchemeGroupVersion), e)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// heap is what is alive, in bytes. No other test runs at the same time, as
// these are not parallel.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// TestMemoryOfAnEvent measures what the calculator says of an event in memory:
// waiting in the buffer, as the copy that the buffer makes; between two tries
// of upstream's webhook; and while a try is under way. Not one may take more
// than the model has, nor less than two thirds of it.
func TestMemoryOfAnEvent(t *testing.T) {
	quiet(t)
	for _, c := range []struct{ body, events int }{{0, 2000}, {1000, 2000}, {2000, 2000}, {4100, 1500}, {7000, 1000}, {20000, 500}, {50000, 200}} {
		json := float64(len(encode(t, sampleEvent(t, 1, c.body))))
		before := heap()
		events := make([]*auditinternal.Event, c.events)
		for i := range events {
			events[i] = sampleEvent(t, i, c.body).DeepCopy()
		}
		waiting := (heap()-before)/float64(c.events) - model.PlaceBytes
		retried := handedOn(t, events, false, before)
		tried := handedOn(t, events, true, before)
		runtime.KeepAlive(events)
		t.Logf("%5.0f bytes of JSON: %5.0f waiting (model %5.0f), %5.0f between tries (%5.0f), %6.0f in a try (%6.0f)",
			json, waiting, model.WaitingBytes(json), retried, model.RetriedBytes(json), tried, model.TriedBytes(json))
		for _, m := range []struct {
			what            string
			measured, model float64
		}{{"waiting", waiting, model.WaitingBytes(json)}, {"between tries", retried, model.RetriedBytes(json)}, {"in a try", tried, model.TriedBytes(json)}} {
			if m.measured > m.model || m.measured < m.model*2/3 {
				t.Errorf("%s an event of %.0f bytes takes %.0f, the model has %.0f", m.what, json, m.measured, m.model)
			}
		}
	}
}

// handedOn is what each event takes of the heap beyond before, after they were
// handed to the webhook in batches of 100 and its receiver refused them or hangs.
func handedOn(t *testing.T, events []*auditinternal.Event, hangs bool, before float64) (each float64) {
	t.Helper()
	const batch = 100
	synctest.Test(t, func(t *testing.T) {
		away := &transport{start: time.Now(), outage: window{0, time.Hour}, hangs: hangs}
		backend := webhookTo(t, away, model.DefaultInitial)
		for i := 0; i < len(events); i += batch {
			part := append([]*auditinternal.Event{}, events[i:i+batch]...)
			go backend.ProcessEvents(part...)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		each = (heap() - before) / float64(len(events))
		time.Sleep(10 * time.Minute)
	})
	return each
}
