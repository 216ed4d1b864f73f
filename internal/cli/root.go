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
	"syscall"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/errs"
)

// Exit codes (design, section 5). Those for blockers, partial results and drift come with the commands that can meet them.
const (
	exitDone     = 0
	exitError    = 1
	exitWarnings = 2 // or changes
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
	text := err.Error()
	if e := errs.As(err); e != nil && e.Target != "" && e.Hint == "" {
		text += " [" + e.Target + "]"
	}
	return text
}

func newRoot(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "amlmove",
		Short: "Move Azure Machine Learning workspaces between subscriptions and resource groups, whole and proven",
		Long: `amlmove moves Azure Machine Learning workspaces between subscriptions and resource groups.

This version holds the cloud: an Azure Resource Manager control plane on your own machine in which a workspace
really moves, with everything that the move breaks, driven by the unmodified Azure CLI and SDKs. Of the mover it
holds the first step: capture, which writes a workspace and what surrounds it into a file, and snapshot, which looks
into such files. Assess, plan, rehearse, apply, verify and report are not in this version yet.`,
		Example: `  amlmove demo                     a workspace moves, and what that breaks, in under a minute
  amlmove cloud up --detach        start a cloud with the contoso fixture
  amlmove cloud az -- group list   the real az against it
  amlmove cloud down               stop it`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.AddCommand(newCapture(s), newSnapshot(s), newCloud(s), newDemo(s))
	return root
}
