// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/auditsetup/auditsetup/test/certificates"
	"github.com/rogpeppe/go-internal/testscript"
)

// credentials is the script command
//
//	credentials DIR [expired|early]
//
// which makes ca.crt, client.crt, client.key and token in DIR, the client
// certificate of the dates that are asked for, and other.key, which is not its.
// In the environment $CADATA, $KEYDATA and $CRTDATA are what a kubeconfig has of
// them, and $KEYLINE is a line of the key's PEM.
func credentials(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, !neg && (len(args) == 1 || len(args) == 2), "credentials DIR [expired|early]")
	wish := certificates.Wish{Name: "kube-apiserver", Client: true}
	switch strings.Join(args[1:], "") {
	case "expired":
		wish.From, wish.To = time.Now().Add(-72*time.Hour), time.Now().Add(-24*time.Hour)
	case "early":
		wish.From = time.Now().Add(48 * time.Hour)
	}
	ca, err := certificates.Make(certificates.Wish{Name: "receiver CA", CA: true}, nil)
	ts.Check(err)
	client, err := certificates.Make(wish, ca)
	ts.Check(err)
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	for name, data := range map[string][]byte{"ca.crt": ca.CertPEM, "client.crt": client.CertPEM, "client.key": client.KeyPEM, "other.key": ca.KeyPEM, "token": []byte("t0ken-of-a-file\n")} {
		ts.Check(os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	ts.Setenv("CADATA", base64.StdEncoding.EncodeToString(ca.CertPEM))
	ts.Setenv("CRTDATA", base64.StdEncoding.EncodeToString(client.CertPEM))
	ts.Setenv("KEYDATA", base64.StdEncoding.EncodeToString(client.KeyPEM))
	ts.Setenv("KEYLINE", strings.Split(string(client.KeyPEM), "\n")[1])
}

// fill is the script command
//
//	fill FILE
//
// which puts the environment's $CADATA, $CRTDATA and $KEYDATA into a file that
// has them as @CADATA@ and so on.
func fill(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, !neg && len(args) == 1, "fill FILE")
	text := ts.ReadFile(args[0])
	for _, name := range []string{"CADATA", "CRTDATA", "KEYDATA"} {
		text = strings.ReplaceAll(text, "@"+name+"@", ts.Getenv(name))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}
