package cli

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// planOptions are the flags of `plan`.
type planOptions struct {
	captureOptions
	choices   rules.Choices
	overwrite bool
}

func newPlan(s streams) *cobra.Command {
	o := planOptions{}
	cmd := &cobra.Command{
		Use:   "plan WORKSPACE|FILE.snap",
		Short: "Say everything that a move would find, do and lose; nothing is changed",
		Long: `Read a workspace and both ends (or a snapshot that was captured before), ask every rule, and write the plan of the move: ordered steps, what each is for, which of them
destroy something and how that is made again, the point of no return, how long the workspace and each endpoint are away, and what cannot be made again.

The plan is a file to review and to keep: apply carries out exactly that, and refuses when what is there has changed.

Exit codes: 0 the plan can be applied, 2 it can and there are warnings, 3 something stops it, 1 error.`,
		Example: `  amlmove plan contoso-ml --to-subscription 11111111-aaaa-4aaa-8aaa-000000000002 --to-group ml-prod-rg -o plan.json
  amlmove plan contoso-ml --to-group other-rg --include all --jobs cancel
  amlmove plan w.snap --format json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runPlan(cmd.Context(), s, o, args[0]) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "", "plan `file`; WORKSPACE.plan.json if not named")
	f.StringVar(&o.format, "format", "table", "form of the result: table or json")
	f.StringVar(&o.targetSubscription, "to-subscription", "", "`id` of the subscription where the workspace shall go")
	f.StringVar(&o.toGroup, "to-group", "", "`name` or id of the resource group where it shall go")
	f.StringVar(&o.endpoint, "endpoint", "", "`cloud.json` of a running cloud, or a URL; default: AMLMOVE_ENDPOINT, else Azure")
	f.BoolVar(&o.overwrite, "overwrite", false, "replace a plan file that is there already")
	choiceFlags(f, &o.choices)
	return cmd
}

// runPlan makes, writes and prints a plan.
func runPlan(ctx context.Context, s streams, o planOptions, of string) error {
	if err := checkFormat(o.format); err != nil {
		return err
	}
	if err := checkChoices(o.choices); err != nil {
		return err
	}
	snap, name, err := o.snapshot(ctx, s, of)
	if err != nil {
		return err
	}
	p, err := plan.Of(ctx, snap, o.choices)
	if err != nil {
		return err
	}
	path := cmp.Or(o.output, name+".plan.json")
	p.Snapshot.File = relative(path, snap)
	if err := plan.Write(path, p, o.overwrite); err != nil {
		return err
	}
	if o.format == "json" {
		err = writeJSON(s.out, p)
	} else {
		err = planText(s, p, path)
	}
	if err != nil {
		return err
	}
	return planStatus(p)
}

// snapshot returns the snapshot to plan from, captured beside the plan when none was named, and the name for the plan.
func (o planOptions) snapshot(ctx context.Context, s streams, of string) (file, name string, err error) {
	if strings.HasSuffix(of, ".snap") {
		return of, strings.TrimSuffix(filepath.Base(of), ".snap"), o.untargeted()
	}
	client, err := connect(ctx, o.endpoint)
	if err != nil {
		return "", "", err
	}
	id, err := capture.Find(ctx, client, of)
	if err != nil {
		return "", "", err
	}
	target, err := targetOf(o.captureOptions, id)
	if err != nil {
		return "", "", err
	}
	if target.Group() == "" {
		return "", "", errs.New(errs.Invalid, "TargetMissing", "where shall %s go?", id.Name()).Advise("say --to-group, and --to-subscription unless it is the same")
	}
	path := cmp.Or(o.output, id.Name()+".plan.json")
	if _, err := os.Stat(path); err == nil && !o.overwrite {
		return "", "", errs.New(errs.Conflict, "PlanExists", "the plan %s is there already", path).At(path).Advise("name another file with -o, or say --overwrite")
	}
	file = strings.TrimSuffix(path, ".json") + ".snap"
	if _, err := os.Lstat(file); err == nil && !o.overwrite { // it may be all that is known of a workspace as it was
		return "", "", errs.New(errs.Conflict, "SnapshotExists", "the snapshot %s, beside which the plan would be, is there already", file).At(file).
			Advise("plan from it with amlmove plan %s, name another plan with -o, or say --overwrite", file)
	}
	writer, err := snapshot.Create(ctx, file, o.overwrite)
	if err != nil {
		return "", "", err
	}
	return file, id.Name(), captureInto(ctx, s, capture.Options{Client: client, Workspace: id, Target: target, Tool: toolVersion()}, writer)
}

// untargeted refuses flags that a snapshot has answered already.
func (o planOptions) untargeted() error {
	if o.toGroup != "" || o.targetSubscription != "" {
		return errs.New(errs.Invalid, "TargetFixed", "a snapshot knows its target: --to-subscription and --to-group go with the name of a workspace").Advise("capture again with another target")
	}
	return nil
}

// captureInto captures and shows how far it has come.
func captureInto(ctx context.Context, s streams, o capture.Options, w *snapshot.Writer) error {
	o.Progress = &capture.Progress{}
	stop := follow(s.err, o.Client, o.Progress)
	_, err := capture.Run(ctx, o, w)
	stop()
	return err
}

// relative is how a plan names its snapshot: by its name when they are side by side.
func relative(planFile, snap string) string {
	a, errA := filepath.Abs(planFile)
	b, errB := filepath.Abs(snap)
	if errA == nil && errB == nil && filepath.Dir(a) == filepath.Dir(b) {
		return filepath.Base(b)
	}
	if errB == nil {
		return b
	}
	return snap
}

// planStatus is the exit code of a plan.
func planStatus(p *plan.Plan) error {
	if !p.Applyable {
		return exitStatus(exitBlockers)
	}
	for _, f := range p.Findings {
		if f.Severity == rules.Warning {
			return exitStatus(exitWarnings)
		}
	}
	return nil
}
