// Package cli is the command line: it reads flags, opens files, calls the wings and prints. It is the only package of the mover's side that may use
// the cloud.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// Exit codes (design, section 5). Those for blockers, partial results and drift come with the commands that can meet them.
const (
	exitDone     = 0
	exitError    = 1
	exitWarnings = 2 // or changes
	exitBlockers = 3
	exitPartial  = 4
	exitDrift    = 5
)

// streams are where a command reads and writes: results to out, everything else to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// exitStatus ends the program with a code and no message of its own: somebody else has said what there is to say.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Main runs the program and returns its exit code.
func Main(args []string, in io.Reader, out, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the first Ctrl-C asks for a safe point; a second one ends the program, which may be killed at any instant
	root := newRoot(streams{in, out, stderr})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	if code, ok := errors.AsType[exitStatus](err); ok {
		return int(code)
	}
	_, _ = fmt.Fprintln(stderr, "amlmove:", describe(err))
	return exitError
}

// describe words an error for a person: what, where, and what to do.
func describe(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		lines[i] = arm.Printable(line)
	}
	text := strings.Join(lines, "\n")
	if e := errs.As(err); e != nil && e.Target != "" && e.Hint == "" {
		text += " [" + e.Target + "]"
	}
	return text
}

// family makes a command of others below it. A word that is none of them is a mistake: help would end as if all were done.
func family(cmd *cobra.Command, members ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(members...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return errs.New(errs.Invalid, "UnknownCommand", "%s has no command %q", cmd.CommandPath(), args[0]).Advise("%s --help lists them", cmd.CommandPath())
		}
		return cmd.Help()
	}
	return cmd
}

func newRoot(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "amlmove",
		Short: "Move Azure Machine Learning workspaces between subscriptions and resource groups, whole and proven",
		Long: `amlmove moves Azure Machine Learning workspaces between subscriptions and resource groups: it finds what stops a move, plans everything that has to be done before and
after, carries it out durably, brings back what does not travel, and proves object by object that all is there.

It works against Azure with the credentials that the Azure SDKs find, and against a local cloud in the same program in which workspaces really move.`,
		Example: `  amlmove demo                     the whole story in under a minute, on this machine
  amlmove assess --all             every workspace in reach, graded
  amlmove plan contoso-ml --to-subscription S --to-group G -o plan.json
  amlmove rehearse plan.json       the same on a copy, with a forecast
  amlmove apply plan.json
  amlmove report RUN
  amlmove cloud up --detach        a local cloud with the contoso fixture`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.AddCommand(newAssess(s), newCapture(s), newPlan(s), newRehearse(s), newApply(s), newResume(s), newStatus(s), newCancel(s), newRollback(s), newVerify(s), newReport(s), newDurations(s), newRules(s),
		newSnapshot(s), newCloud(s), newDemo(s))
	return root
}
