package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/report"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// assessOptions are the flags of `assess`.
type assessOptions struct {
	captureOptions
	subscriptions []string
	all           bool
	html          string
	choices       rules.Choices
}

func newAssess(s streams) *cobra.Command {
	o := assessOptions{}
	cmd := &cobra.Command{
		Use:   "assess [WORKSPACE...]",
		Short: "Grade workspaces side by side: what stops each, what is work, how long a move takes",
		Long: `Read workspaces and judge each by every rule. Grades: A moves as it is, B after work that amlmove does by itself, C needs a person, D cannot move (the finding names the alternative).
With a target, quota, policies, rights and names there are judged as well, and the time is estimated. Nothing is changed and nothing is kept.

Exit codes: 0 no blockers and no warnings, 2 warnings, 3 blockers, 1 error.`,
		Example: `  amlmove assess --all
  amlmove assess -s 11111111-aaaa-4aaa-8aaa-000000000001 --to-subscription 11111111-aaaa-4aaa-8aaa-000000000002 --to-group ml-prod-rg -o json`,
		RunE: func(cmd *cobra.Command, args []string) error { return runAssess(cmd.Context(), s, o, args) },
	}
	f := cmd.Flags()
	f.StringSliceVarP(&o.subscriptions, "subscription", "s", nil, "`ids` of the subscriptions to look in")
	f.BoolVar(&o.all, "all", false, "look in every subscription in reach")
	f.StringVar(&o.targetSubscription, "to-subscription", "", "`id` of the subscription where they shall go")
	f.StringVar(&o.toGroup, "to-group", "", "`name` or id of the resource group where they shall go")
	f.StringVar(&o.endpoint, "endpoint", "", "`cloud.json` of a running cloud, or a URL; default: AMLMOVE_ENDPOINT, else Azure")
	f.StringVarP(&o.format, "output", "o", "table", "table or json")
	f.StringVar(&o.html, "html", "", "write the assessment as a page into a `file`")
	choiceFlags(f, &o.choices)
	return cmd
}

func runAssess(ctx context.Context, s streams, o assessOptions, names []string) error {
	if err := checkFormat(o.format); err != nil {
		return err
	}
	if err := checkChoices(o.choices); err != nil {
		return err
	}
	client, err := connect(ctx, o.endpoint)
	if err != nil {
		return err
	}
	ids, err := o.workspaces(ctx, s, client, names)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		_, _ = fmt.Fprintln(s.err, "amlmove: no workspace was found: check who is signed in, and which subscriptions that one may read")
	}
	all, err := assessEach(ctx, s, ids, func(ctx context.Context, id arm.ID) (report.Assessment, error) { return o.assess(ctx, client, id) })
	if err != nil {
		return err
	}
	if o.format == "json" {
		err = writeJSON(s.out, all)
	} else {
		err = report.AssessTable(s.out, all)
	}
	if o.html != "" { // what was found after so much reading is told, whatever becomes of the page
		err = errors.Join(err, writePage(o.html, func(to io.Writer) error { return report.AssessHTML(to, all, time.Now()) }))
	}
	if err != nil {
		return err
	}
	return assessStatus(all)
}

// assessEach assesses workspaces one after the other, and sorts them by what was found. Canceled when somebody stops it: half a list would look like a whole one.
func assessEach(ctx context.Context, s streams, ids []arm.ID, assess func(context.Context, arm.ID) (report.Assessment, error)) ([]report.Assessment, error) {
	all := []report.Assessment{}
	for i, id := range ids {
		_, _ = fmt.Fprintf(s.err, "%d of %d: %s\n", i+1, len(ids), id)
		a, err := assess(ctx, id)
		if ctx.Err() != nil {
			return nil, errs.Wrap(errs.Canceled, "Canceled", ctx.Err(), "stopped at %d of %d workspaces", i+1, len(ids))
		}
		if err != nil { // one workspace that cannot be read must not hide the others
			a = report.Assessment{Workspace: id.String(), Error: describe(err)}
		}
		all = append(all, a)
	}
	slices.SortStableFunc(all, func(a, b report.Assessment) int {
		return cmp.Or(cmp.Compare(a.Grade, b.Grade), cmp.Compare(a.Workspace, b.Workspace))
	})
	return all, nil
}

// workspaces are those named, or those found in subscriptions.
func (o assessOptions) workspaces(ctx context.Context, s streams, c *azure.Client, names []string) ([]arm.ID, error) {
	var ids []arm.ID
	for _, name := range names {
		id, err := capture.Find(ctx, c, name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if len(names) > 0 {
		return ids, nil
	}
	subscriptions := o.subscriptions
	if len(subscriptions) == 0 && !o.all {
		return nil, errs.New(errs.Invalid, "NothingToAssess", "which workspaces?").Advise("name them, say -s SUBSCRIPTION, or --all")
	}
	if len(subscriptions) == 0 {
		err := c.List(ctx, "/subscriptions", azure.Known(aml.Subscriptions)[0], func(raw json.RawMessage) error {
			var doc struct{ SubscriptionID string }
			err := json.Unmarshal(raw, &doc)
			subscriptions = append(subscriptions, doc.SubscriptionID)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	for _, subscription := range subscriptions {
		found, err := workspacesOf(ctx, c, subscription)
		if o.all && (errs.Is(err, errs.Denied) || errs.Is(err, errs.NotFound)) { // in reach, but not to be read
			_, _ = fmt.Fprintf(s.err, "amlmove: not looked at: the subscription %s: %s\n", subscription, describe(err))
			continue
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, found...)
	}
	return ids, nil
}

func workspacesOf(ctx context.Context, c *azure.Client, subscription string) (ids []arm.ID, err error) {
	path := "/subscriptions/" + subscription + "/providers/" + string(aml.Workspaces)
	err = c.List(ctx, path, c.Version(ctx, subscription, aml.Workspaces), func(raw json.RawMessage) error {
		var doc struct{ ID string }
		if err := json.Unmarshal(raw, &doc); err != nil {
			return err
		}
		id, err := arm.Parse(doc.ID)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// assess reads and judges one workspace.
func (o assessOptions) assess(ctx context.Context, c *azure.Client, id arm.ID) (a report.Assessment, err error) {
	target, err := targetOf(o.captureOptions, id)
	if err != nil {
		return a, err
	}
	dir, err := os.MkdirTemp("", "amlmove-assess-")
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "w.snap")
	writer, err := snapshot.Create(ctx, file, false)
	if err != nil {
		return a, err
	}
	if _, err := capture.Run(ctx, capture.Options{Client: c, Workspace: id, Target: target, Tool: toolVersion()}, writer); err != nil {
		return a, err
	}
	snap, err := snapshot.Open(ctx, file)
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	f, err := facts.Read(ctx, snap)
	if err != nil {
		return a, err
	}
	return o.judge(f)
}

func (o assessOptions) judge(f *facts.Facts) (report.Assessment, error) {
	findings := rules.Judge(f, o.choices)
	a := report.Assessment{Workspace: f.Workspace.ID.String(), Location: f.Workspace.Doc.Text("location"), Grade: rules.GradeOf(findings), Counts: f.Counts, Findings: findings}
	if f.Target != nil {
		a.Target = f.Target.String()
	}
	if f.Target.GroupID() == nil {
		return a, nil
	}
	p, err := plan.Make(f, findings, o.choices)
	if err != nil {
		return a, err
	}
	a.Takes = &p.Takes
	return a, nil
}

func assessStatus(all []report.Assessment) error {
	worst := exitDone
	for _, a := range all {
		switch {
		case a.Error != "":
			return exitStatus(exitError)
		case a.Of(rules.Blocker) > 0:
			worst = max(worst, exitBlockers)
		case a.Of(rules.Warning) > 0:
			worst = max(worst, exitWarnings)
		}
	}
	if worst != exitDone {
		return exitStatus(worst)
	}
	return nil
}
