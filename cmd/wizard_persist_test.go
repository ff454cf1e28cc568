// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"errors"
	"testing"

	"github.com/auditsetup/auditsetup/persist"
	"github.com/auditsetup/auditsetup/render"
)

// answering picks the choice of a word, or the proposal.
type answering struct {
	prompter
	word     string
	proposed *string
}

func (a answering) Select(q question, first int) (int, error) {
	*a.proposed = q.choices[first].short
	for i, c := range q.choices {
		if c.short == a.word {
			return i, nil
		}
	}
	return first, nil
}

// TestAskPersist proposes what is in use, else the ConfigMap, and asks only where
// there is one.
func TestAskPersist(t *testing.T) {
	t.Parallel()
	ours := persist.Folder{Path: "/p", Files: map[string][]byte{"/p/" + render.FlagsPatchName: []byte("# x, a patch for kubeadm by auditsetup.\n")}}
	for _, c := range []struct {
		folder                       persist.Folder
		before, word, proposed, want string
	}{
		{persist.Folder{Path: "/p"}, "", "", "in the cluster", "kubeadm-config"},
		{ours, "", "", "as patches", "kubeadm-patches"},
		{ours, "none", "in the cluster", "no", "kubeadm-config"},
		{persist.Folder{Path: "/p"}, "kubeadm-patches", "back", "as patches", "kubeadm-patches"},
	} {
		var proposed string
		w := &wizard{enableOptions: &enableOptions{}}
		w.in.Spec.Persist, w.prompt = c.before, answering{word: c.word, proposed: &proposed}
		if w.upgraded() {
			t.Fatal("it is asked before anything was found")
		}
		w.found.kept = &keeper{folder: c.folder}
		if w.upgraded() {
			t.Error("it is asked without a cluster")
		}
		err := w.askPersist()
		if proposed != c.proposed || w.in.Spec.Persist != c.want || errors.Is(err, errBack) != (c.word == "back") {
			t.Errorf("%+v: %q is proposed, and it becomes %q, %v", c, proposed, w.in.Spec.Persist, err)
		}
	}
}
