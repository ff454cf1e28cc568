// Copyright The auditsetup Authors
// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"errors"
	"os"
	"strings"

	"github.com/auditsetup/auditsetup/apiserver"
	"github.com/auditsetup/auditsetup/document"
	"github.com/auditsetup/auditsetup/policy"
	requested "github.com/auditsetup/auditsetup/policy/explain"
	"github.com/auditsetup/auditsetup/policy/lint"
	"github.com/auditsetup/auditsetup/profiles"
	"github.com/spf13/cobra"
	help "k8s.io/kubectl/pkg/util/templates"
)

type policyExplainOptions struct {
	io Streams

	profile, version string
	served           servedFlags
	words            requested.Words
	user             string
	groups           []string
	output           enum
	all              bool

	failed bool

	in    inputs
	known apiserver.Resources
}

func newPolicyExplain(io Streams) *cobra.Command {
	o := &policyExplainOptions{io: io, output: enum{"text", []string{"text", "json"}}, in: inputs{stdin: io.In}}
	c := &cobra.Command{
		Use:   "explain POLICY|--profile NAME REQUEST",
		Short: "Say what a policy makes of a request, by which rule, and why not by another",
		Long: help.LongDesc(`
			Say what an audit policy makes of a request: which rule decides, why each rule
			before it does not match, the level, the stages at which an event is written,
			and what is in it. The decision is that of kube-apiserver's own evaluator.

			POLICY is a file, - for standard input, or the name of a profile. REQUEST is
			one of:

			  --verb, --resource ...   in the words of a policy
			  GET /api/v1/...          a method and a path; GET may be left out
			  kubectl ...              a line of kubectl, and all the requests it makes
			  {...}, FILE or -         an event from a log; FILE ends in .json or .log

			Without --user it is a user whom no rule names, and who is logged in. The groups that come with a name are added: those of
			everyone who is logged in, of service accounts, and of nodes. Options stand
			before kubectl.`),
		Example: help.Examples(`
			# Who reads a secret?
			auditsetup policy explain policy.yaml --verb get --resource secrets --namespace shop --name db --user jane

			# A path, as the server takes it
			auditsetup policy explain --profile recommended GET /api/v1/namespaces/shop/secrets/db
			auditsetup policy explain --profile recommended /healthz

			# All that a line of kubectl does
			auditsetup policy explain policy.yaml --user jane --group developers kubectl -n shop exec -it web -- sh

			# An event of a log, and what another policy would have made of it
			grep 'secrets/db' audit.log | tail -1 | auditsetup policy explain new-policy.yaml -`),
		ValidArgsFunction: completePolicies,
		RunE:              func(c *cobra.Command, args []string) error { return o.run(c, args) },
	}
	o.flags(c)
	return c
}

func (o *policyExplainOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.SetInterspersed(false) // what follows kubectl is kubectl's
	f.StringVar(&o.profile, "profile", "", "explain the policy of the profile `NAME` instead of a file")
	f.StringVar(&o.version, "kube-version", "", "version of the kube-apiserver (default: the newest known)")
	o.served.add(f)
	f.StringVar(&o.words.Verb, "verb", "", "what the request does, such as get or create")
	f.StringVar(&o.words.Resource, "resource", "", "`RESOURCE[/SUBRESOURCE][.GROUP]` of the request, such as pods/exec or deployments.apps")
	f.StringVarP(&o.words.Namespace, "namespace", "n", "", "namespace of the request")
	f.StringVar(&o.words.Name, "name", "", "name of the object")
	f.StringVar(&o.words.Path, "path", "", "path of a request that is for no resource, instead of --resource")
	f.StringVar(&o.user, "user", "", "who makes the request")
	f.StringSliceVar(&o.groups, "group", nil, "group of the user, besides those that come with the name")
	f.BoolVar(&o.failed, "failed-login", false, "the request is by somebody whose login fails")
	f.BoolVar(&o.all, "all", false, "show every condition of every rule, for several requests too")
	addEnum(c, &o.output, "output", "o", "how to print; json has everything")
	// the flag exists, so that registering cannot fail
	_ = c.RegisterFlagCompletionFunc("profile", cobra.FixedCompletions(profiles.Names(), cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("resource", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return resourceWords(), cobra.ShellCompDirectiveNoFileComp
	})
}

// resourceWords are what --resource takes.
func resourceWords() []string {
	var all []string
	for _, r := range (apiserver.Version{Minor: apiserver.NewestMinor}).Resources() {
		word := r.Path()
		if r.Group != "" {
			word += "." + r.Group
		}
		all = append(all, word)
	}
	return all
}

// split takes the arguments apart where flags may stand between them, as they do
// not in what kubectl is given. helped is set when only help was asked for.
func (o *policyExplainOptions) split(c *cobra.Command, args []string) (before, line []string, helped bool, err error) {
	for len(args) > 0 {
		if requested.IsKubectl(args[0]) {
			line = args
			break
		}
		before = append(before, args[0])
		if err := c.Flags().Parse(args[1:]); err != nil {
			return nil, nil, false, c.FlagErrorFunc()(c, err)
		}
		args = c.Flags().Args()
	}
	helped, _ = c.Flags().GetBool("help")
	return before, line, helped, noEmptyValues(c.Flags())
}

func (o *policyExplainOptions) run(c *cobra.Command, args []string) error {
	words, line, helped, err := o.split(c, args)
	if err != nil {
		return err
	}
	if helped {
		return c.Help()
	}
	name := o.profile
	if name == "" && len(words) > 0 {
		name, words = words[0], words[1:]
	}
	if name == "" {
		return usagef("see "+c.CommandPath()+" --help", "%s takes a policy: a file, or --profile", c.CommandPath())
	}
	if o.profile != "" && isPolicyFile(o.profile) {
		return usagef("give the file without --profile", "%q is no profile", o.profile)
	}
	v, versionErr := newestOr(o.version)
	o.known, err = o.resources(c, v)
	p, policyErr := readPolicy(&o.in, "policy explain", name, v)
	if err := errors.Join(versionErr, err, policyErr); err != nil {
		return err
	}
	asked, err := o.asked(c, words, line)
	if err != nil {
		return err
	}
	return o.explain(shownPolicy(name), v, p, asked)
}

// shownPolicy is how messages name a policy.
func shownPolicy(name string) string {
	if name == "-" || isPolicyFile(name) {
		return shownName(name)
	}
	return "profile " + name
}

// resources are all that there are, with those that the flags tell of.
func (o *policyExplainOptions) resources(c *cobra.Command, v apiserver.Version) (apiserver.Resources, error) {
	if err := o.served.idle(c.Flags()); err != nil {
		return nil, err
	}
	to := lint.Options{Version: v}
	missing, err := o.served.read(c.Context(), &o.in, &to)
	say(o.io.Err, "warning", missing)
	return v.Resources().With(to.More), err
}

func (o *policyExplainOptions) explain(name string, v apiserver.Version, p *policy.Policy, asked []requested.Asked) error {
	say(o.io.Err, "note", p.Notes)
	out := explained{policy: name, version: v, rules: len(p.V1.Rules), all: o.all}
	for _, a := range asked {
		out.found = append(out.found, requested.Of(p, a.Request, a.Caller))
	}
	if o.output.value == "json" {
		return out.json(o.io.Out)
	}
	_, err := o.io.Out.Write([]byte(out.text()))
	return err
}

// asked finds the requests in the arguments.
func (o *policyExplainOptions) asked(c *cobra.Command, words, line []string) ([]requested.Asked, error) {
	if len(words) == 1 && len(line) == 0 && strings.Contains(words[0], " ") && !strings.HasPrefix(strings.TrimSpace(words[0]), "{") {
		// one that is in quotes
		if words = requested.Split(words[0]); len(words) > 0 && requested.IsKubectl(words[0]) {
			words, line = nil, words
		}
	}
	inWords := o.words != requested.Words{}
	switch {
	case inWords && len(words)+len(line) > 0:
		return nil, usagef("give it in one way", "the request is given by flags and by %q", strings.Join(append(words, line...), " "))
	case inWords:
		r, err := requested.FromWords(o.words, o.known)
		return o.by([]requested.Request{r}, err)
	case len(line) > 0 && len(words) == 0:
		return o.by(requested.FromKubectl(line, o.known, func(name string) ([]byte, error) { return o.in.read("kubectl -f", name) }))
	case len(words) == 2 && requested.IsMethod(strings.ToUpper(words[0])):
		r, err := requested.FromPath(strings.ToUpper(words[0]), words[1], o.known)
		return o.by([]requested.Request{r}, err)
	case len(words) == 1 && len(line) == 0:
		return o.alone(words[0])
	case len(words)+len(line) == 0:
		return nil, usagef("see "+c.CommandPath()+" --help for the ways to give it", "the request is missing")
	}
	return nil, usagef("see "+c.CommandPath()+" --help for the ways to give it", "%q is no request", strings.Join(append(words, line...), " "))
}

// alone is a request in one word: an event, its file, or a path.
func (o *policyExplainOptions) alone(word string) ([]requested.Asked, error) {
	file := word == "-"
	for _, end := range []string{".json", ".jsonl", ".log"} {
		file = file || strings.HasSuffix(word, end)
	}
	isPath := strings.HasPrefix(word, "/") || strings.Contains(word, "://")
	if info, err := os.Stat(word); strings.HasPrefix(word, "/") {
		file = err == nil && info.Mode().IsRegular() // /openapi.json is a path as well
	}
	switch {
	case strings.HasPrefix(strings.TrimSpace(word), "{"):
		return o.events("the event", []byte(word))
	case file:
		data, err := o.in.read("policy explain", word)
		if err != nil {
			return nil, err
		}
		return o.events(shownName(word), data)
	case isPath:
		r, err := requested.FromPath("GET", word, o.known)
		return o.by([]requested.Request{r}, err)
	}
	return nil, usagef("write a path as in GET /healthz, or name a file of events that ends in .json or .log", "%q is no request", word)
}

func (o *policyExplainOptions) events(name string, data []byte) ([]requested.Asked, error) {
	if o.failed || o.user != "" || len(o.groups) > 0 {
		return nil, usagef("leave --user, --group and --failed-login out", "an event says by itself who made the request")
	}
	return requested.FromEvents(name, data, o.known)
}

// by adds the caller.
func (o *policyExplainOptions) by(requests []requested.Request, err error) ([]requested.Asked, error) {
	if err != nil {
		return nil, asUsage(err)
	}
	caller := requested.NewCaller(o.user, o.groups)
	if o.failed {
		if o.user != "" || len(o.groups) > 0 {
			return nil, usagef("leave --user and --group out", "one whose login fails has neither name nor groups")
		}
		caller = requested.Caller{Failed: true}
	}
	var all []requested.Asked
	for _, r := range requests {
		all = append(all, requested.Asked{Request: r, Caller: caller})
	}
	return all, nil
}

// asUsage makes mistakes in the command line of problems that are in no file.
func asUsage(err error) error {
	var all []error
	for _, p := range document.ProblemsOf(err) {
		if p.File == "" || p.File == "kubectl" {
			all = append(all, usageError{p})
		} else {
			all = append(all, p)
		}
	}
	return errors.Join(all...)
}
