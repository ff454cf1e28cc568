// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

// defaultRotationMiB is lumberjack's own file size, used before 1.36 when
// --audit-log-maxsize is 0. Source: gopkg.in/natefinch/lumberjack.v2 v2.2.1
// lumberjack.go, defaultMaxSize.
const defaultRotationMiB = 100

// APIVersions returns the versions of audit.k8s.io that v accepts in a policy
// and in --audit-log-version and --audit-webhook-version, the current one
// first. The two old ones went with 1.24. Source: kubernetes/apiserver commit
// 871a4b720.
func APIVersions(v Version) []string {
	if v.AtLeast(24) {
		return []string{"audit.k8s.io/v1"}
	}
	return []string{"audit.k8s.io/v1", "audit.k8s.io/v1beta1", "audit.k8s.io/v1alpha1"}
}

// OmitManagedFields reports whether v knows omitManagedFields in a policy; an
// older one drops the field without a word. Source: k8s.io/apiserver
// pkg/apis/audit/v1/types.go, commit 8e027735f.
func OmitManagedFields(v Version) bool { return v.AtLeast(23) }

// GroupWildcard reports whether v takes the group "*" in a rule; an older one
// refuses the policy and does not start. Source: k8s.io/apiserver
// pkg/apis/audit/validation/validation.go, commit 6728d9492.
func GroupWildcard(v Version) bool { return v.AtLeast(36) }

// OpensLogAtStart reports whether v opens the log file before it serves, with
// mode 0600 if it has to make it, and dies if it cannot. Before, the file came
// with the first event, and a bad path cost events only. Source:
// k8s.io/apiserver pkg/server/options/audit.go, commits 332add01e, bfbd0aaa7.
func OpensLogAtStart(v Version) bool { return v.AtLeast(22) }

// MakesLogDir reports whether v makes the folder of the log file when it is
// missing. Up to 1.21 the rotation library does so with the first event; from
// 1.22 to the patches named here nobody does, and kube-apiserver stops. Source:
// k8s.io/apiserver pkg/server/options/audit.go, commit 523651571.
func MakesLogDir(v Version) bool {
	switch {
	case !OpensLogAtStart(v), v.AtLeast(25):
		return true
	case v.Minor == 22:
		return v.AtLeastPatch(22, 13)
	case v.Minor == 23:
		return v.AtLeastPatch(23, 10)
	}
	return v.AtLeastPatch(24, 4)
}

// RotateAt returns the size in MiB at which v rotates the log file when
// --audit-log-maxsize is maxsize, which must not be negative; 0 means never.
// Standard output, --audit-log-path=-, is not rotated in any case. Source: k8s.io/apiserver
// pkg/server/options/audit.go, commit 385343a37.
func RotateAt(v Version, maxsize int) int {
	if maxsize == 0 && !v.AtLeast(36) {
		return defaultRotationMiB
	}
	return maxsize
}

// RotationOff reports whether v never rotates the log file when
// --audit-log-maxsize is maxsize. Then maxage, maxbackup and compress do
// nothing either.
func RotationOff(v Version, maxsize int) bool { return RotateAt(v, maxsize) == 0 }
