package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/mover/action"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/report"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// reportOptions are the flags of `report`.
type reportOptions struct {
	runPlace
	output, format, kit string
	mask                bool
}

// formats write the views of a report.
var formats = map[string]func(io.Writer, *report.Data) error{"text": report.Terminal, "json": report.JSON, "markdown": report.Markdown, "html": report.HTML}

// endings of files by which forms are known.
var endings = map[string]string{"": "text", ".txt": "text", ".html": "html", ".htm": "html", ".md": "markdown", ".json": "json"}

func newReport(s streams) *cobra.Command {
	o := reportOptions{}
	cmd := &cobra.Command{
		Use: "report RUN", Short: "Show what became of a run: verdict, proof, timeline, what is left to do, repair kit", Args: cobra.ExactArgs(1),
		Long: `Show what became of a run. The HTML file needs nothing else: no network, no script. The form comes from --format, or from the ending of the file: .html, .md, .json, .txt.
--kit writes what helps to repair what names the workspace elsewhere: Terraform blocks, a sed script, the map of ids.`,
		Example: "  amlmove report contoso-ml-3fa94c21\n  amlmove report contoso-ml-3fa94c21 -o report.html --mask\n  amlmove report contoso-ml-3fa94c21 --kit repair",
		RunE:    func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), s, args[0]) },
	}
	f := cmd.Flags()
	o.kept(f)
	f.StringVarP(&o.output, "output", "o", "", "`file`; default: the terminal")
	f.StringVar(&o.format, "format", "", "text, json, markdown or html")
	f.StringVar(&o.kit, "kit", "", "`folder` for the repair kit")
	f.BoolVar(&o.mask, "mask", false, "hide all but the end of subscription ids, also in the repair kit, which then shows what changes and repairs nothing")
	return cmd
}

func (o reportOptions) run(ctx context.Context, s streams, id string) error {
	write, err := o.view()
	if err != nil {
		return err
	}
	folder, err := mover.FolderOf(o.runs, id)
	if err != nil {
		return err
	}
	story, err := o.look(ctx, id)
	if err != nil {
		return err
	}
	d, err := reportOf(ctx, folder, story)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := write(&b, d); err != nil {
		return err
	}
	text := b.String()
	if o.mask {
		text = d.Mask(text)
	}
	if o.kit != "" {
		if err := writeKit(s, o.kit, d, o.mask); err != nil {
			return err
		}
	}
	if o.output == "" {
		_, err = io.WriteString(s.out, text)
		return err
	}
	if err := os.WriteFile(o.output, []byte(text), 0o600); err != nil {
		return errs.Wrap(errs.Invalid, "ReportFile", err, "the report %s cannot be written", o.output).At(o.output).Advise("check that the folder is there, that you may write to it, and the free space")
	}
	_, err = fmt.Fprintln(s.out, o.output)
	return err
}

// view finds the form of the report.
func (o reportOptions) view() (func(io.Writer, *report.Data) error, error) {
	format := o.format
	if _, form := formats[o.output]; format == "" && (form || o.output == "table") {
		return nil, errs.New(errs.Invalid, "InvalidFormat", "-o names the file of a report, and %q is the name of a form", o.output).Advise("say --format text, json, markdown or html")
	}
	if format == "" {
		form, known := endings[strings.ToLower(filepath.Ext(o.output))]
		if !known {
			return nil, errs.New(errs.Invalid, "InvalidFormat", "no form of a report has the ending of %s", o.output).At(o.output).Advise("it takes .html, .md, .json or .txt; or say --format")
		}
		format = form
	}
	write := formats[format]
	if write == nil {
		return nil, errs.New(errs.Invalid, "InvalidFormat", "a report is written as text, json, markdown or html, not as %q", format)
	}
	return write, nil
}

// writeKit writes the repair kit into a folder.
func writeKit(s streams, dir string, d *report.Data, mask bool) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return errs.Wrap(errs.Invalid, "KitFolder", err, "the folder %s cannot be made", dir).At(dir)
	}
	for name, data := range report.Kit(d) {
		if mask {
			data = []byte(d.Mask(string(data)))
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return errs.Wrap(errs.Unavailable, "KitFolder", err, "write %s into %s", name, dir).At(dir)
		}
	}
	masked := ""
	if mask {
		masked = ", with masked ids: it shows what changes and repairs nothing; without --mask it does"
	}
	_, err := fmt.Fprintf(s.err, "repair kit in %s%s\n", dir, masked)
	return err
}

// leaveReport writes report.html into the folder of a run and returns its path.
func leaveReport(ctx context.Context, folder mover.Folder, story mover.Story) (string, error) {
	d, err := reportOf(ctx, folder, story)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := report.HTML(&b, d); err != nil {
		return "", err
	}
	return folder.File(mover.ReportFile), folder.Write(mover.ReportFile, b.Bytes())
}

// reportOf gathers what a report shows.
func reportOf(ctx context.Context, folder mover.Folder, story mover.Story) (*report.Data, error) {
	p, r := story.Plan, story.Record
	d := &report.Data{Run: r.ID, State: string(r.State), Reason: r.Reason, Began: r.Began, Ended: r.Ended, Who: story.Meta.Who, Tool: story.Meta.Tool, From: p.Workspace, To: p.Landing, Grade: p.Grade,
		Planned: p.Takes, Losses: losses(story), Findings: p.Findings, Requests: story.Sent}
	found, err := folder.Verified()
	if err != nil {
		return nil, err
	}
	d.Verify = found
	steps(d, story)
	d.Windows = windows(d, p)
	for _, remark := range story.Remarks {
		one := report.Remark{Step: remark.Step, Text: remark.Text}
		if remark.Kind == action.ToDo {
			d.ToDo = append(d.ToDo, one)
		} else {
			d.Differs = append(d.Differs, one)
		}
	}
	for _, request := range story.Requests {
		if request.Step == p.NoReturn && request.Correlation != "" {
			d.Support = append(d.Support, request.Correlation)
		}
	}
	if d.Moved {
		d.IDs = renamed(p)
	}
	err = asBefore(ctx, folder, d)
	d.Arrange()
	return d, err
}

// steps adds every step of the plan with what became of it.
func steps(d *report.Data, story mover.Story) {
	records, back := map[string]mover.StepRecord{}, map[string]bool{}
	for _, record := range story.Steps {
		if record.Back {
			back[record.Step] = record.State.Well()
		} else {
			records[record.Step] = record
		}
	}
	for _, s := range story.Plan.Steps {
		r := records[s.ID]
		d.Steps = append(d.Steps, report.Step{ID: s.ID, Phase: s.Phase, Action: s.Action, What: s.What, State: stateOf(story.Record.State, r.State), Began: r.Began, Ended: r.Ended, Tries: r.Tries, Reason: r.Reason,
			Back: r.State == mover.StepBlocked && back[s.ID]})
		if s.ID == story.Plan.NoReturn {
			d.Moved = r.State.Well()
		}
	}
}

// stateOf is how a step stands: one that was begun and not ended, in a run that nobody is said to work on, was interrupted.
func stateOf(run mover.State, step mover.StepState) string {
	if step == mover.StepRunning && run != mover.Running && run != mover.RollingBack {
		return "interrupted"
	}
	return string(step)
}

// losses are what the plan said cannot be made again: of a run that has not moved, only what it has taken away, whether it went back or not.
func losses(story mover.Story) []plan.Loss {
	back := map[string]bool{}
	for _, record := range story.Steps {
		if record.Back {
			back[record.Step] = record.State.Well()
		}
	}
	var taken []string // what was taken away: a loss is of it, or of something below it
	for _, record := range story.Steps {
		step, ok := story.Plan.Find(record.Step)
		if !ok || record.Back || record.State != mover.StepDone && !(record.State == mover.StepBlocked && back[record.Step]) {
			continue
		}
		if step.ID == story.Plan.NoReturn {
			return story.Plan.Losses
		}
		if step.Destroys || step.Action == plan.EndJob {
			taken = append(taken, strings.ToLower(step.Subject)+"/")
		}
	}
	return slices.DeleteFunc(slices.Clone(story.Plan.Losses), func(l plan.Loss) bool {
		return !slices.ContainsFunc(taken, func(subject string) bool { return strings.HasPrefix(strings.ToLower(l.Subject)+"/", subject) })
	})
}

// windows measures the windows that the plan announced.
func windows(d *report.Data, p *plan.Plan) []report.Window {
	at := map[string]report.Step{}
	for _, s := range d.Steps {
		at[s.ID] = s
	}
	var all []report.Window
	for _, w := range p.Windows {
		one := report.Window{What: w.What, Planned: w.Takes}
		from, to := at[w.From], at[w.To]
		if from.State == string(mover.StepDone) && to.State == string(mover.StepDone) && to.Ended.After(from.Began) {
			one.Took = plan.Duration(to.Ended.Sub(from.Began).Round(time.Millisecond))
		}
		all = append(all, one)
	}
	return all
}

// renamed lists what has a new id: what moved, and what was made again.
func renamed(p *plan.Plan) []report.Renamed {
	m, err := p.Map()
	if err != nil {
		return nil // a plan that was read can be mapped
	}
	seen := map[string]bool{}
	var all []report.Renamed
	add := func(text string) {
		id, err := arm.Parse(text)
		if err != nil || seen[id.Key()] || !m.Moves(id) {
			return
		}
		seen[id.Key()] = true
		all = append(all, report.Renamed{Was: id.String(), Is: m.ID(id).String()})
	}
	for _, text := range p.Moving {
		add(text)
	}
	for _, s := range p.Steps {
		add(s.Subject)
	}
	return all
}

// asBefore adds what only the snapshot of before tells: the associated resources of the workspace, and of which type computes and datastores are.
func asBefore(ctx context.Context, folder mover.Folder, d *report.Data) (err error) {
	snap, err := snapshot.Open(ctx, folder.File(mover.BeforeFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	f, err := facts.Read(ctx, snap)
	if err != nil {
		return err
	}
	for _, a := range f.Accounts() {
		d.Accounts = append(d.Accounts, a.ID.String())
	}
	kinds := map[string]string{}
	for path, member := range map[string]string{"computes": "properties.computeType", "datastores": "properties.datastoreType"} {
		for _, item := range f.Content(path) {
			kinds[item.ID.Key()] = item.Doc.Text(member)
		}
	}
	for i, id := range d.IDs {
		d.IDs[i].Kind = kinds[strings.ToLower(id.Was)]
	}
	return nil
}
