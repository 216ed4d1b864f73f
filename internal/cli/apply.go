package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/seal"
)

// applyOptions are the flags of `apply`, `resume` and `rollback`.
type applyOptions struct {
	runPlace
	yes, noRollback bool
	back            bool // the source as it was is what was asked for
	workers         int
	format          string
}

func (o *applyOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	o.runPlace.flags(f)
	if !o.back {
		f.BoolVar(&o.noRollback, "no-rollback", false, "leave a run that fails before the point of no return as it is, instead of bringing the source back")
	}
	f.IntVar(&o.workers, "workers", 0, "steps side by side; default 12")
	f.StringVarP(&o.format, "output", "o", "table", "form of the result: table or json")
}

const exitCodes = `Exit codes: 0 moved and proven, 2 moved and a person still has something to do, 3 the plan is blocked, 4 moved in part or waiting for a person, 5 the plan is stale, 1 error,
or failed and brought back.`

const exitCodesBack = "Exit codes: 0 the source is as it was, 1 error, or not everything could be taken back."

func newApply(s streams) *cobra.Command {
	o := applyOptions{}
	cmd := &cobra.Command{
		Use:   "apply plan.json",
		Short: "Carry out a plan: exactly its steps, durably, with a proof at the end",
		Long: `Read both ends again, stop when something changed since the plan was made, ask once, and carry the plan out. The run is durable: kill it at any instant, and resume (or apply on
the same plan) goes on. Ctrl-C stops at a safe point. A failure before the point of no return brings the source back to what it was.

` + exitCodes,
		Example: "  amlmove apply contoso-ml.plan.json\n  amlmove apply plan.json --yes -o json\n  amlmove apply plan.json --db postgres://me@host/amlmove",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return runApply(cmd.Context(), s, o, args[0]) },
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	return cmd
}

// runApply begins the run of a plan, or finds the one that was begun, and carries it out.
func runApply(ctx context.Context, s streams, o applyOptions, path string) error {
	if err := checkFormat(o.format); err != nil {
		return err
	}
	p, err := plan.Read(path)
	if err != nil {
		return err
	}
	if !p.Applyable {
		if o.format == "json" {
			err = writeJSON(s.out, p)
		} else {
			err = planText(s, p, path)
		}
		if err != nil {
			return err
		}
		return exitStatus(exitBlockers)
	}
	client, err := connect(ctx, o.endpoint)
	if err != nil {
		return err
	}
	if err := o.confirm(ctx, s, p); err != nil {
		return err
	}
	caller, err := client.Caller(ctx)
	if err != nil {
		return err
	}
	folder, err := mover.Begin(ctx, mover.Beginning{Root: o.runs, Plan: p, Client: client, Now: time.Now,
		Meta: mover.Meta{Endpoint: absolute(o.endpoint), Database: mover.Masked(o.db), Tool: toolVersion(), Who: caller.Name}})
	if err != nil {
		return drifted(s, err)
	}
	return o.drive(ctx, s, folder, client, (*mover.Run).Forward)
}

// drifted words the error of a plan that is stale, and leaves any other as it is.
func drifted(s streams, err error) error {
	drift, ok := errors.AsType[*mover.Drift](err)
	if !ok {
		return err
	}
	_, _ = fmt.Fprintf(s.err, "amlmove: %v\n\nplan again, review what is new, and apply that\n", drift)
	return exitStatus(exitDrift)
}

// confirm asks once: the name of the workspace must be typed.
func (o applyOptions) confirm(ctx context.Context, s streams, p *plan.Plan) error {
	if o.yes {
		return nil
	}
	id, err := arm.Parse(p.Workspace)
	if err != nil {
		return err
	}
	if err := planText(streams{s.in, s.err, s.err}, p, ""); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(s.err, "\nThe plan: %s.\nType the name of the workspace to carry this out, anything else to leave it: ", rehearsedText(p))
	line, err := answer(ctx, s.in)
	if strings.TrimSpace(line) == id.Name() {
		return nil
	}
	if err != nil && line == "" {
		_, _ = fmt.Fprintln(s.err)
	}
	if err != nil && line == "" && ctx.Err() == nil {
		return errs.New(errs.Invalid, "NotConfirmed", "nobody is there to confirm").Advise("say --yes")
	}
	return errs.New(errs.Canceled, "NotConfirmed", "not confirmed: nothing was changed")
}

// answer reads a line. A read cannot be interrupted, and Ctrl-C must end the question.
func answer(ctx context.Context, in io.Reader) (string, error) {
	type read struct {
		line string
		err  error
	}
	answered := make(chan read, 1)
	go func() {
		line, err := bufio.NewReader(in).ReadString('\n')
		answered <- read{line, err}
	}()
	select {
	case r := <-answered:
		return r.line, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// openRun opens a run by its folder. Whoever only reads needs no secrets.
func (o applyOptions) openRun(ctx context.Context, folder mover.Folder, client *azure.Client, secrets *seal.Box, watch func(mover.Event)) (*mover.Run, func() error, error) {
	database, closing, err := o.database(ctx)
	if err != nil {
		return nil, nil, err
	}
	run, err := mover.Open(ctx, mover.Options{Folder: folder, Client: client, Database: database, Secrets: secrets, Workers: o.workers, Watch: watch, NoRollback: o.noRollback})
	if err != nil {
		return nil, nil, errors.Join(err, closing())
	}
	return run, func() error { return errors.Join(run.Close(), closing()) }, nil
}

// drive carries a run on, in a direction, shows it, and leaves a report.
func (o applyOptions) drive(ctx context.Context, s streams, folder mover.Folder, client *azure.Client, direction func(*mover.Run, context.Context) (mover.Record, error)) (err error) {
	view := newProgress(s.err)
	secrets, err := box(folder)
	if err != nil {
		return err
	}
	run, closing, err := o.openRun(ctx, folder, client, secrets, view.hear)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closing()) }()
	view.begin(run.Plan)
	record, err := direction(run, ctx)
	view.end()
	if err != nil {
		return drifted(s, err)
	}
	return o.conclude(context.WithoutCancel(ctx), s, run, record)
}

func newResume(s streams) *cobra.Command {
	o := applyOptions{}
	cmd := &cobra.Command{
		Use: "resume RUN", Short: "Go on with a run that was stopped, killed, failed, or waited for a person", Args: cobra.ExactArgs(1),
		Long:    "Go on with a run: what was interrupted is taken up where it was, what failed is tried again, what was done is not done twice.\n\n" + exitCodes,
		Example: "  amlmove status\n  amlmove resume contoso-ml-3fa94c21",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.onRun(cmd.Context(), s, args[0], (*mover.Run).Forward)
		},
	}
	o.flags(cmd)
	return cmd
}

func newRollback(s streams) *cobra.Command {
	o := applyOptions{back: true}
	cmd := &cobra.Command{
		Use: "rollback RUN", Short: "Bring the source back to what it was, while the workspace has not moved", Args: cobra.ExactArgs(1),
		Long:    "Take back what a run did before its point of no return: computes and endpoints with their keys, deployments and traffic are made again where they were, schedules enabled, locks put back.\n\n" + exitCodesBack,
		Example: "  amlmove rollback contoso-ml-3fa94c21",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.onRun(cmd.Context(), s, args[0], (*mover.Run).Back)
		},
	}
	o.flags(cmd)
	return cmd
}

func newCancel(s streams) *cobra.Command {
	o := applyOptions{back: true}
	cmd := &cobra.Command{
		Use: "cancel RUN", Short: "Give up a run: what it has done before the point of no return is taken back", Args: cobra.ExactArgs(1),
		Long:    "Give up a run. One that has changed nothing is simply ended; one that has is rolled back. A run that another process works on is stopped there, with Ctrl-C.\n\n" + exitCodesBack,
		Example: "  amlmove cancel contoso-ml-3fa94c21",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.onRun(cmd.Context(), s, args[0], (*mover.Run).Back)
		},
	}
	o.flags(cmd)
	return cmd
}

// onRun finds a run and drives it.
func (o applyOptions) onRun(ctx context.Context, s streams, id string, direction func(*mover.Run, context.Context) (mover.Record, error)) error {
	if err := checkFormat(o.format); err != nil {
		return err
	}
	folder, client, err := o.find(ctx, id)
	if err != nil {
		return err
	}
	return o.drive(ctx, s, folder, client, direction)
}

// find finds a run and connects to where it was begun.
func (o runPlace) find(ctx context.Context, id string) (mover.Folder, *azure.Client, error) {
	folder, err := mover.FolderOf(o.runs, id)
	if err != nil {
		return folder, nil, err
	}
	meta, err := folder.Meta()
	if err != nil {
		return folder, nil, err
	}
	endpoint := meta.Endpoint
	if o.endpoint != "" {
		endpoint = o.endpoint
	}
	if other := os.Getenv("AMLMOVE_ENDPOINT"); endpoint == "" && other != "" { // what is done there would be taken for done
		return folder, nil, errs.New(errs.Conflict, "RunElsewhere", "the run %s was begun against Azure, and AMLMOVE_ENDPOINT names %s", id, other).Advise("unset AMLMOVE_ENDPOINT, or say --endpoint if that is where the run is")
	}
	client, err := connect(ctx, endpoint)
	return folder, client, err
}
