// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"encoding/json"
	"fmt"
	"strings"
)

// object is a piece of JSON.
type object = map[string]any

// The namespaces that are made for the load, and how many nodes and pods.
var namespaces = []string{"shop", "monitoring", "argocd"}

const (
	nodeCount = 10
	podCount  = 100
	// moment stands in objects that are updated where each update has another
	// time. All are as long.
	moment = "2026-11-22T08:00:00Z"
	uid    = "0a1b2c3d-0a1b-2c3d-4e5f-0a1b2c3d4e5f"
	digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)

func text(o any) []byte {
	data, err := json.Marshal(o)
	if err != nil {
		panic(err) // maps, lists and strings can always be written
	}
	return data
}

func labels(name string) object {
	return object{"app.kubernetes.io/name": name, "app.kubernetes.io/instance": "release", "app.kubernetes.io/version": "1.2.3"}
}

// podSpec has one container with ten variables.
func podSpec() object {
	var env []object
	for i := range 10 {
		env = append(env, object{"name": fmt.Sprintf("SETTING_%d", i), "value": "https://service.shop.svc.cluster.local:8080/api"})
	}
	probe := func(path string) object { return object{"httpGet": object{"path": path, "port": "http"}} }
	return object{
		"containers": []object{{
			"name": "app", "image": "registry.example.com/platform/shop:v1.2.3", "env": env,
			"ports":         []object{{"name": "http", "containerPort": 8080}},
			"resources":     object{"requests": object{"cpu": "100m", "memory": "128Mi"}, "limits": object{"memory": "256Mi"}},
			"livenessProbe": probe("/healthz"), "readinessProbe": probe("/readyz"),
			"volumeMounts":    []object{{"name": "config", "mountPath": "/etc/app"}},
			"securityContext": object{"capabilities": object{"drop": []string{"ALL"}}},
		}},
		"volumes":                   []object{{"name": "config", "configMap": object{"name": "config"}}},
		"topologySpreadConstraints": []object{{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": object{"matchLabels": labels("web")}}},
	}
}

func podTemplate(name string) object {
	return object{
		"metadata": object{"labels": labels(name), "annotations": object{"prometheus.io/scrape": "true", "prometheus.io/port": "8080", "checksum/config": digest}},
		"spec":     podSpec(),
	}
}

func deployment(name string) object {
	return object{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": object{"name": name, "labels": labels(name)},
		"spec": object{"replicas": 3, "selector": object{"matchLabels": labels(name)}, "template": podTemplate(name)}}
}

// pod is one of a replica set, to be made under a name or with one that the
// server makes up.
func pod(name, node string, more object) object {
	meta := object{"labels": labels("web"), "ownerReferences": []object{{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d9f6c7b8", "uid": uid, "controller": true, "blockOwnerDeletion": true}}}
	meta["name"] = name
	if strings.HasSuffix(name, "-") {
		delete(meta, "name")
		meta["generateName"], meta["annotations"] = name, podTemplate("web")["metadata"].(object)["annotations"]
	}
	for key, value := range more {
		meta["labels"].(object)[key] = value
	}
	spec := podSpec()
	if node != "" {
		spec["nodeName"] = node
	}
	return object{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
}

// podStatus is what a kubelet reports of a running pod.
func podStatus(id string) object {
	var conditions, orders []object
	for _, kind := range []string{"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"} {
		conditions = append(conditions, object{"type": kind, "status": "True", "lastProbeTime": nil, "lastTransitionTime": moment, "observedGeneration": 1})
		orders = append(orders, object{"type": kind})
	}
	container := object{
		"containerID": "containerd://5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef", "image": "registry.example.com/platform/shop:v1.2.3",
		"imageID": "registry.example.com/platform/app@sha256:" + digest, "lastState": object{}, "name": "app", "ready": true, "restartCount": 0, "started": true,
		"state": object{"running": object{"startedAt": moment}}, "allocatedResources": object{"cpu": "100m", "memory": "128Mi"}, "volumeMounts": []object{{"name": "config", "mountPath": "/etc/app"}},
	}
	return object{"metadata": object{"uid": id}, "status": object{
		"$setElementOrder/conditions": orders, "conditions": conditions, "containerStatuses": []object{container}, "hostIP": "10.1.2.3", "hostIPs": []object{{"ip": "10.1.2.3"}},
		"phase": "Running", "podIP": "10.244.1.17", "podIPs": []object{{"ip": "10.244.1.17"}}, "startTime": moment, "observedGeneration": 1,
	}}
}

// nodeStatus has 25 images.
func nodeStatus(name string) object {
	var images []object
	for i := range 25 {
		images = append(images, object{"names": []string{fmt.Sprintf("registry.example.com/platform/service-%d@sha256:%s%04d", i, digest[:60], i), fmt.Sprintf("registry.example.com/platform/service-%d:v1.%d.0", i, i)}, "sizeBytes": 123456789})
	}
	amount := object{"cpu": "8", "ephemeral-storage": "102400Mi", "hugepages-1Gi": "0", "hugepages-2Mi": "0", "memory": "32Gi", "pods": "110"}
	return object{"status": object{
		"capacity": amount, "allocatable": amount, "conditions": nodeConditions(true), "images": images,
		"addresses":       []object{{"type": "InternalIP", "address": "10.1.2.3"}, {"type": "Hostname", "address": name}},
		"daemonEndpoints": object{"kubeletEndpoint": object{"Port": 10250}},
		"nodeInfo": object{"machineID": "ec2a3f5c1d7f4b0f9f5a1e0c5b8d7e6f", "systemUUID": uid, "bootID": uid, "kernelVersion": "6.8.0-45-generic", "osImage": "Ubuntu 24.04.1 LTS",
			"containerRuntimeVersion": "containerd://2.1.0", "kubeletVersion": "v1.37.1", "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": "amd64"},
	}}
}

// nodeConditions are all of each, or what a heartbeat has of them.
func nodeConditions(all bool) []object {
	var list []object
	for _, c := range [][4]string{
		{"MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"},
		{"DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"},
		{"PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"},
		{"Ready", "True", "KubeletReady", "kubelet is posting ready status"},
	} {
		o := object{"type": c[0], "lastHeartbeatTime": moment}
		if all {
			o["status"], o["reason"], o["message"], o["lastTransitionTime"] = c[1], c[2], c[3], moment
		}
		list = append(list, o)
	}
	return list
}

func heartbeat() object {
	order := []object{{"type": "MemoryPressure"}, {"type": "DiskPressure"}, {"type": "PIDPressure"}, {"type": "Ready"}}
	return object{"status": object{"$setElementOrder/conditions": order, "conditions": nodeConditions(false)}}
}

func lease(name, holder string) object {
	micro := strings.Replace(moment, "Z", ".000000Z", 1)
	return object{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": object{"name": name},
		"spec": object{"holderIdentity": holder, "leaseDurationSeconds": 15, "acquireTime": "2026-11-22T00:00:00.000000Z", "renewTime": micro, "leaseTransitions": 3}}
}

// changed is when endpoints last changed, as their controllers write it down.
func changed(name string, more object) object {
	meta := object{"name": name, "annotations": object{"endpoints.kubernetes.io/last-change-trigger-time": moment}, "labels": object{"app.kubernetes.io/name": "web"}}
	for key, value := range more {
		meta["labels"].(object)[key] = value
	}
	return meta
}

func target(i int) object {
	return object{"kind": "Pod", "name": fmt.Sprintf("web-5d9f6c7b8-abcd%d", i), "namespace": "shop", "uid": uid}
}

func endpoints(name string) object {
	var list []object
	for i := range 3 {
		list = append(list, object{"ip": fmt.Sprintf("10.244.1.%d", i+1), "nodeName": "n1", "targetRef": target(i)})
	}
	return object{"apiVersion": "v1", "kind": "Endpoints", "metadata": changed(name, nil), "subsets": []object{{"addresses": list, "ports": []object{{"name": "http", "port": 8080, "protocol": "TCP"}}}}}
}

func endpointSlice(name string) object {
	var list []object
	for i := range 3 {
		list = append(list, object{"addresses": []string{fmt.Sprintf("10.244.1.%d", i+1)}, "conditions": object{"ready": true, "serving": true, "terminating": false}, "nodeName": "n1", "targetRef": target(i)})
	}
	meta := changed(name, object{"kubernetes.io/service-name": "web", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"})
	return object{"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta, "addressType": "IPv4", "endpoints": list, "ports": []object{{"name": "http", "port": 8080, "protocol": "TCP"}}}
}

func replicaSet(name string) object {
	return object{"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": object{"name": name, "labels": labels("web")},
		"spec":   object{"replicas": 3, "selector": object{"matchLabels": labels("web")}, "template": podTemplate("web")},
		"status": object{"replicas": 3, "conditions": []object{{"type": "ReplicaFailure", "status": "False", "reason": "AllIsWell", "lastTransitionTime": moment}}}}
}
