// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/auditsetup/auditsetup/test/real/release"
)

// ControlPlane is one release's set of certificates with an etcd that runs. API
// servers are started on it one after the other, as all share one port.
type ControlPlane struct {
	// Binaries are the programs of the release.
	Binaries release.Binaries
	// Dir is the folder given to [New], for whatever else the test needs.
	Dir string
	// Manifest is the kube-apiserver.yaml that kubeadm wrote, with the paths of
	// the certificates in Dir. Its command line starts as it stands.
	Manifest []byte

	config config
	client *http.Client
}

// New has kubeadm make certificates, the administrator's credentials and the
// manifest in dir, which is an absolute path and must outlive t's other
// cleanups, and starts etcd. The processes end with t.
func New(t testing.TB, bins release.Binaries, etcd, dir string) *ControlPlane {
	t.Helper()
	c := &ControlPlane{Binaries: bins, Dir: dir}
	c.config = config{
		Version:         bins.Version,
		CertificatesDir: filepath.Join(c.Dir, "pki"),
		Address:         loopback(),
	}
	var err error
	if c.config.Port, err = freePort(c.config.Address, 6443); err != nil {
		t.Fatal(err)
	}
	if err := c.credentials(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.startEtcd(t, etcd)
	if c.Manifest, err = manifest(t.Context(), bins, c.config, c.Dir); err != nil {
		t.Fatal(err)
	}
	return c
}

// URL is where the API server answers, without a slash at the end.
func (c *ControlPlane) URL() string {
	return "https://" + net.JoinHostPort(c.config.Address, strconv.Itoa(c.config.Port))
}

// Address is the address of 127.0.0.0/8 at which the API server listens.
func (c *ControlPlane) Address() string { return c.config.Address }

// Kubeconfig is the path of a kubeconfig of the group system:masters.
func (c *ControlPlane) Kubeconfig() string {
	// admin.conf lost that group in 1.29, where super-admin.conf came.
	if minor, err := minorOf(c.Binaries.Version); err == nil && minor < 29 {
		return filepath.Join(c.Dir, "admin.conf")
	}
	return filepath.Join(c.Dir, "super-admin.conf")
}

// credentials makes the certificates and the kubeconfig, and a client that uses
// them. With an etcd of its own in the configuration kubeadm makes certificates
// for etcd too; with an external one it leaves them to others.
func (c *ControlPlane) credentials(ctx context.Context) error {
	if err := kubeadm(ctx, c.Binaries, c.config, c.Dir, nil, "init", "phase", "certs", "all"); err != nil {
		return err
	}
	name := filepath.Base(c.Kubeconfig())
	phase := name[:len(name)-len(".conf")]
	err := kubeadm(ctx, c.Binaries, c.config, c.Dir, nil, "init", "phase", "kubeconfig", phase, "--kubeconfig-dir", c.Dir)
	if err != nil {
		return err
	}
	c.client, err = ClientFor(c.Kubeconfig())
	return err
}

// ClientFor returns a client with the credentials of the only user of a
// kubeconfig. It trusts the CA of the only cluster, and no other.
func ClientFor(kubeconfig string) (*http.Client, error) {
	text, err := os.ReadFile(kubeconfig)
	if err != nil {
		return nil, err
	}
	var k struct {
		Clusters []struct {
			Cluster struct {
				CA []byte `json:"certificate-authority-data"`
			}
		}
		Users []struct {
			User struct {
				Certificate []byte `json:"client-certificate-data"`
				Key         []byte `json:"client-key-data"`
			}
		}
	}
	if err := yaml.Unmarshal(text, &k); err != nil {
		return nil, fmt.Errorf("%s: %w", kubeconfig, err)
	}
	if len(k.Clusters) != 1 || len(k.Users) != 1 {
		return nil, fmt.Errorf("%s: %d clusters and %d users, want one each", kubeconfig, len(k.Clusters), len(k.Users))
	}
	certificate, err := tls.X509KeyPair(k.Users[0].User.Certificate, k.Users[0].User.Key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kubeconfig, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(k.Clusters[0].Cluster.CA) {
		return nil, fmt.Errorf("%s: no CA certificate", kubeconfig)
	}
	return &http.Client{Transport: &http.Transport{
		// No Proxy: requests stay on this machine whatever the environment says.
		TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{certificate}},
	}}, nil
}

// startEtcd starts etcd with the certificates that kubeadm made for it, and
// waits until it takes connections.
func (c *ControlPlane) startEtcd(t testing.TB, program string) {
	t.Helper()
	client, err := freePort(c.config.Address, 2379)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := freePort(c.config.Address, client+1)
	if err != nil {
		t.Fatal(err)
	}
	pki := filepath.Join(c.config.CertificatesDir, "etcd")
	clientURL := fmt.Sprintf("https://%s:%d", c.config.Address, client)
	peerURL := fmt.Sprintf("https://%s:%d", c.config.Address, peer)
	p, err := launch("etcd", c.Dir, []string{
		program, "--name=etcd", "--data-dir=" + filepath.Join(c.Dir, "etcd"),
		"--listen-client-urls=" + clientURL, "--advertise-client-urls=" + clientURL,
		"--listen-peer-urls=" + peerURL, "--initial-advertise-peer-urls=" + peerURL, "--initial-cluster=etcd=" + peerURL,
		"--cert-file=" + filepath.Join(pki, "server.crt"), "--key-file=" + filepath.Join(pki, "server.key"),
		"--client-cert-auth", "--trusted-ca-file=" + filepath.Join(pki, "ca.crt"),
		"--peer-cert-file=" + filepath.Join(pki, "peer.crt"), "--peer-key-file=" + filepath.Join(pki, "peer.key"),
		"--peer-client-cert-auth", "--peer-trusted-ca-file=" + filepath.Join(pki, "ca.crt"),
		// Nothing here has to outlive the machine.
		"--unsafe-no-fsync",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	address := net.JoinHostPort(c.config.Address, strconv.Itoa(client))
	err = await(t.Context(), p, func(context.Context) error {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	c.config.EtcdPort = client
}

// loopback returns an address of 127.0.0.0/8, all of which Linux has without
// being told. One for each control plane keeps their ports apart, from each
// other's and from what else runs here.
func loopback() string {
	return net.IPv4(127, byte(1+rand.N(254)), byte(rand.N(256)), byte(1+rand.N(254))).String()
}

// freePort returns the first port from the given one on that can be listened at.
// It stays free: below 32768 the kernel hands out none by itself.
func freePort(address string, from int) (int, error) {
	for port := from; port < from+100; port++ {
		listener, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
		if err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("no free port at %s from %d to %d", address, from, from+99)
}
