// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/AlecAivazis/survey/v2"
	"github.com/AlecAivazis/survey/v2/core"
)

// prompter asks a person. It is the only door to survey, which is archived
// upstream and will be replaced one day.
type prompter interface {
	// Confirm asks for yes or no, no being the answer to a bare return. An
	// interrupt is an error.
	Confirm(question string) (bool, error)
}

// terminal asks on the process's own terminal, through stderr, so that results
// can be redirected.
type terminal struct{}

func (terminal) Confirm(question string) (bool, error) {
	if os.Getenv("TERM") == "dumb" {
		return confirmPlainly(question)
	}
	core.DisableColor = core.DisableColor || os.Getenv("NO_COLOR") != ""
	yes := false
	err := survey.AskOne(&survey.Confirm{Message: question}, &yes, survey.WithStdio(os.Stdin, os.Stderr, os.Stderr))
	return yes, err
}

// confirmPlainly asks on a terminal that cannot move its cursor.
func confirmPlainly(question string) (bool, error) {
	fmt.Fprintf(os.Stderr, "%s (y/N) ", question)
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		fmt.Fprintln(os.Stderr)
		return false, err
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}
