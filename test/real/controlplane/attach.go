// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

// Attach gives an API server that somebody else runs with the manifest's
// address and certificates, to be asked. It cannot be stopped.
func (c *ControlPlane) Attach() *APIServer { return &APIServer{plane: c} }
