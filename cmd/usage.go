// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/auditsetup/auditsetup/document"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// noArgs refuses arguments as wrong usage. For a command that has commands of
// its own, the argument was meant to be one.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !c.HasSubCommands() {
		return usagef("see "+c.CommandPath()+" --help", "%s takes no argument, but got %q", c.CommandPath(), args[0])
	}
	hint := "see " + c.CommandPath() + " --help"
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + c.CommandPath() + " " + strings.Join(near, " or ") + "?"
	}
	return usagef(hint, "%s has no command %q", c.CommandPath(), args[0])
}

func oneArg(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("see "+c.CommandPath()+" --help", "%s takes one %s, but got %d", c.CommandPath(), what, len(args))
		}
		return nil
	}
}

// flagError words what pflag could not read.
func flagError(c *cobra.Command, err error) error {
	hint := "see " + c.CommandPath() + " --help"
	var value *pflag.InvalidValueError
	if !errors.As(err, &value) {
		return usageError{document.Problem{What: err.Error(), Hint: hint}}
	}
	f := value.GetFlag()
	what := fmt.Sprintf("%q is not %s", value.GetValue(), kinds[f.Value.Type()])
	if _, ok := f.Value.(*enum); ok {
		what = value.Unwrap().Error()
	}
	return usageError{document.Problem{File: "--" + f.Name, What: what, Hint: hint}}
}

// kinds says what pflag's types are called.
var kinds = map[string]string{"float64": "a number", "int": "a whole number", "bool": "true or false", "stringSlice": "a list of words with commas between them"}

// noEmptyValues refuses flags that were given and are empty: behind such a flag
// is a variable of a script that was never set, and to take the default instead
// could change the wrong machine.
func noEmptyValues(flags *pflag.FlagSet) error {
	var problems document.Problems
	flags.Visit(func(f *pflag.Flag) {
		if v := f.Value.String(); v == "" || v == "[]" {
			problems.Add("--"+f.Name, "is given, but empty", "give a value, or leave the flag out")
		}
	})
	return problems.Err()
}

// enum is a flag that takes one of a few words, which completion offers.
type enum struct {
	value string
	words []string
}

func (e *enum) String() string { return e.value }
func (e *enum) Type() string   { return strings.Join(e.words, "|") }
func (e *enum) Set(s string) error {
	for _, w := range e.words {
		if w == s {
			e.value = s
			return nil
		}
	}
	return fmt.Errorf("%q is none of %s", s, strings.Join(e.words, ", "))
}

func addEnum(c *cobra.Command, e *enum, name, short, usage string) {
	c.Flags().VarP(e, name, short, usage)
	words := e.words
	// the flag exists, so that registering cannot fail
	_ = c.RegisterFlagCompletionFunc(name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	})
}

// combine gathers the problems of several checks into one error.
func combine(errs ...error) error {
	var all document.Problems
	for _, err := range errs {
		all = append(all, document.ProblemsOf(err)...)
	}
	return all.Err()
}
