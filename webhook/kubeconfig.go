// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

// kubeconfig has every field of k8s.io/client-go v0.37.1
// tools/clientcmd/api/v1/types.go, so that it can be read strictly; a test in
// test/oracle compares the two. Bytes are left in base64, and what does not
// matter here is any value.
type kubeconfig struct {
	APIVersion     string `json:"apiVersion"`
	Kind           string `json:"kind"`
	Preferences    any    `json:"preferences"`
	Extensions     any    `json:"extensions"`
	CurrentContext string `json:"current-context"`

	Clusters []struct {
		Name    string  `json:"name"`
		Cluster cluster `json:"cluster"`
	} `json:"clusters"`
	Users []struct {
		Name string `json:"name"`
		User user   `json:"user"`
	} `json:"users"`
	Contexts []struct {
		Name    string         `json:"name"`
		Context contextOfUsers `json:"context"`
	} `json:"contexts"`
}

type cluster struct {
	Server                   string `json:"server"`
	TLSServerName            string `json:"tls-server-name"`
	InsecureSkipTLSVerify    bool   `json:"insecure-skip-tls-verify"`
	CertificateAuthority     string `json:"certificate-authority"`
	CertificateAuthorityData string `json:"certificate-authority-data"`
	ProxyURL                 string `json:"proxy-url"`
	DisableCompression       bool   `json:"disable-compression"`
	Extensions               any    `json:"extensions"`
}

type user struct {
	ClientCertificate     string `json:"client-certificate"`
	ClientCertificateData string `json:"client-certificate-data"`
	ClientKey             string `json:"client-key"`
	ClientKeyData         string `json:"client-key-data"`
	Token                 string `json:"token"`
	TokenFile             string `json:"tokenFile"`
	Username              string `json:"username"`
	Password              string `json:"password"`
	Impersonate           string `json:"as"`
	ImpersonateUID        string `json:"as-uid"`
	ImpersonateGroups     any    `json:"as-groups"`
	ImpersonateUserExtra  any    `json:"as-user-extra"`
	AuthProvider          any    `json:"auth-provider"`
	Exec                  any    `json:"exec"`
	Extensions            any    `json:"extensions"`
}

type contextOfUsers struct {
	Cluster    string `json:"cluster"`
	User       string `json:"user"`
	Namespace  string `json:"namespace"`
	Extensions any    `json:"extensions"`
}
