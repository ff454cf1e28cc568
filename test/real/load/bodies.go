// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bytes"
	"fmt"
	"strings"
)

const argo = "/apis/argoproj.io/v1alpha1"

func configMap(name string) object {
	settings := ""
	for i := range 30 {
		settings += fmt.Sprintf("some.setting.%d = a value of the setting\n", i)
	}
	return object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": object{"name": name}, "data": object{"app.properties": settings, "written": moment}}
}

func secret() object {
	part := []byte("MIIDXTCCAkWgAwIB")
	return object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "db"}, "type": "Opaque",
		"data": object{"tls.crt": bytes.Repeat(part, 90), "tls.key": bytes.Repeat(part, 40)}}
}

// crd has the resource of which operators read and write one.
func crd() object {
	version := object{"name": "v1alpha1", "served": true, "storage": true, "subresources": object{"status": object{}},
		"schema": object{"openAPIV3Schema": object{"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}
	return object{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": object{"name": "applications.argoproj.io"},
		"spec": object{"group": "argoproj.io", "scope": "Namespaced", "versions": []object{version},
			"names": object{"plural": "applications", "singular": "application", "kind": "Application", "listKind": "ApplicationList"}}}
}

func application(name string) object {
	source := object{"repoURL": "https://git.example.com/platform/shop.git", "path": "deploy/overlays/production", "targetRevision": "main", "helm": object{"valueFiles": []string{"values.yaml", "values-production.yaml"}}}
	return object{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": object{"name": name, "labels": object{"app.kubernetes.io/instance": "root"}},
		"spec": object{"project": "default", "destination": object{"namespace": "shop", "server": "https://kubernetes.default.svc"}, "source": source,
			"syncPolicy": object{"automated": object{"prune": true, "selfHeal": true}, "syncOptions": []string{"CreateNamespace=true", "ServerSideApply=true"}}}}
}

func applicationStatus() object {
	var all []object
	for i := range 8 {
		all = append(all, object{"group": "apps", "health": object{"status": "Healthy"}, "kind": "Deployment", "name": fmt.Sprintf("service-%d", i), "namespace": "shop", "status": "Synced", "version": "v1"})
	}
	revision := digest[:40]
	return object{"health": object{"status": "Healthy", "lastTransitionTime": moment}, "reconciledAt": moment, "sourceType": "Kustomize", "resources": all,
		"sync":       object{"revision": revision, "status": "Synced"},
		"conditions": []object{{"type": "Ready", "status": "True", "lastTransitionTime": moment, "message": "all resources are as they should be", "reason": "Synced"}},
		"history":    []object{{"deployedAt": moment, "id": 1, "revision": revision}}}
}

func event(component string) object {
	return object{"apiVersion": "v1", "kind": "Event", "metadata": object{"generateName": "web-5d9f6c7b8-abcde.", "namespace": "shop"},
		"involvedObject": object{"kind": "Pod", "namespace": "shop", "name": "web-5d9f6c7b8-abcde", "uid": uid, "apiVersion": "v1", "resourceVersion": "12345", "fieldPath": "spec.containers{app}"},
		"reason":         "Pulled", "message": `Container image "registry.example.com/platform/shop:v1.2.3" already present on machine and can be accessed by the pod`,
		"source": object{"component": component, "host": "n1"}, "firstTimestamp": moment, "lastTimestamp": moment, "count": 1, "type": "Normal", "reportingComponent": component, "reportingInstance": "n1"}
}

func tokenRequest(podUID string) object {
	return object{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": object{},
		"spec": object{"audiences": nil, "expirationSeconds": 3607, "boundObjectRef": object{"kind": "Pod", "apiVersion": "v1", "name": "web-1", "uid": podUID}}}
}

func tokenReview() object {
	return object{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": object{}, "spec": object{"token": strings.Repeat("abcdefghijklmnopqrst0123456789", 30)}, "status": object{"user": object{}}}
}

func accessReview() object {
	return object{"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": object{}, "status": object{"allowed": false}, "spec": object{
		"resourceAttributes": object{"verb": "get", "version": "v1", "resource": "nodes", "subresource": "metrics", "name": "n1"},
		"user":               "system:serviceaccount:kube-system:metrics-server", "uid": uid, "groups": []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"},
		"extra": object{"authentication.kubernetes.io/pod-name": []string{"metrics-server-6d684c7b5-abcde"}}}}
}

func clusterRole() object {
	var rules []object
	for _, group := range []string{"", "apps", "batch", "networking.k8s.io", "policy", "autoscaling", "coordination.k8s.io", "discovery.k8s.io"} {
		rules = append(rules, object{"apiGroups": []string{group}, "resources": []string{"pods", "services", "deployments", "replicasets", "statefulsets", "daemonsets"}, "verbs": []string{"get", "list", "watch", "create", "update", "patch", "delete"}})
	}
	return object{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": object{"name": "reader", "labels": object{"app.kubernetes.io/name": "reader"}}, "rules": rules}
}

// binding lets everybody of the mix do everything, so that what a class is
// allowed does not depend on roles.
func binding(accounts []account) object {
	var subjects []object
	for _, a := range accounts {
		subjects = append(subjects, object{"kind": "ServiceAccount", "namespace": a.namespace, "name": a.name})
	}
	const group = "rbac.authorization.k8s.io"
	for _, user := range []string{"system:kube-controller-manager", "system:kube-scheduler"} {
		subjects = append(subjects, object{"kind": "User", "apiGroup": group, "name": user})
	}
	subjects = append(subjects, object{"kind": "Group", "apiGroup": group, "name": "kubeadm:cluster-admins"})
	return object{"apiVersion": group + "/v1", "kind": "ClusterRoleBinding", "metadata": object{"name": "load"}, "subjects": subjects,
		"roleRef": object{"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"}}
}
