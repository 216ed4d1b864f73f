package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
)

func newStatus(s streams) *cobra.Command {
	var place runPlace
	var format string
	cmd := &cobra.Command{
		Use: "status [RUN]", Short: "List the runs, or say how far one has come", Args: cobra.MaximumNArgs(1),
		Example: "  amlmove status\n  amlmove status contoso-ml-3fa94c21 -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			if len(args) == 1 {
				return place.statusOf(cmd.Context(), s, args[0], format)
			}
			return place.statusAll(cmd.Context(), s, format)
		},
	}
	place.kept(cmd.Flags())
	cmd.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	return cmd
}

// look reads the story of a run without keeping anybody out.
func (p runPlace) look(ctx context.Context, id string) (story mover.Story, err error) {
	folder, err := mover.FolderOf(p.runs, id)
	if err != nil {
		return story, err
	}
	if meta, err := folder.Meta(); err == nil && meta.Database == "" {
		p.db = "" // whatever database others are kept in
	}
	database, closing, err := p.database(ctx)
	if err != nil {
		return story, err
	}
	defer func() { err = errors.Join(err, closing()) }()
	return mover.Look(ctx, folder, database)
}

// row is a run in a list.
type row struct {
	mover.Record
	Workspace string `json:"workspace"`
	Target    string `json:"target"`
	Done      int    `json:"done"` // steps that ended well
	Steps     int    `json:"steps"`
}

func rowOf(story mover.Story) row {
	done, all := story.Ended()
	return row{story.Record, story.Plan.Workspace, story.Plan.Target, done, all}
}

func (p runPlace) statusAll(ctx context.Context, s streams, format string) error {
	ids, err := mover.Runs(p.runs)
	if err != nil {
		return err
	}
	rows, unread := []row{}, 0
	for _, id := range ids {
		story, err := p.look(ctx, id)
		if err != nil { // one run that cannot be read must not hide the others
			_, _ = fmt.Fprintf(s.err, "amlmove: %s: %s\n", id, describe(err))
			unread++
			continue
		}
		rows = append(rows, rowOf(story))
	}
	if err := listRuns(s.out, rows, unread, p.runs, format); err != nil {
		return err
	}
	if unread > 0 {
		return exitStatus(exitError)
	}
	return nil
}

// listRuns prints runs, a line each.
func listRuns(to io.Writer, rows []row, unread int, root, format string) error {
	if format == "json" {
		return writeJSON(to, rows)
	}
	if len(rows) == 0 && unread > 0 {
		return nil
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintf(to, "no runs in %s\n", root)
		return err
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "RUN\tSTATE\tSTEPS\tBEGAN\tTARGET")
	for _, r := range rows {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%d/%d\t%s\t%s\n", r.ID, r.State, r.Done, r.Steps, r.Began.Format(time.RFC3339), r.Target)
	}
	return w.Flush()
}

func (p runPlace) statusOf(ctx context.Context, s streams, id, format string) error {
	story, err := p.look(ctx, id)
	if err != nil {
		return err
	}
	if format == "json" {
		return writeJSON(s.out, struct {
			row
			StepRecords []mover.StepRecord `json:"stepRecords"`
			Remarks     []mover.Remark     `json:"remarks"`
		}{rowOf(story), story.Steps, story.Remarks})
	}
	return statusText(s.out, story, p.runs)
}

// statusText says how far a run has come, and what to do next.
func statusText(to io.Writer, story mover.Story, root string) error {
	r := rowOf(story)
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", printable(args)...) } // Flush tells
	line("run\t%s", r.ID)
	line("state\t%s", r.State)
	if r.Reason != "" {
		line("because\t%s", r.Reason)
	}
	line("workspace\t%s", r.Workspace)
	line("target\t%s", r.Target)
	line("steps\t%d of %d ended well", r.Done, r.Steps)
	records := map[string]mover.StepRecord{}
	for _, record := range story.Steps {
		if !record.Back {
			records[record.Step] = record
		}
	}
	for _, phase := range plan.Phases() {
		for _, step := range story.Plan.Steps {
			if record := records[step.ID]; step.Phase == phase && record.State != "" && !record.State.Well() {
				line("  %s\t%s: %s", stateOf(r.State, record.State), step.ID, record.Reason)
			}
		}
	}
	line("next\t%s", next(r.State, r.ID, root))
	return w.Flush()
}

// next says what a person can do with a run in a state, in words that can be typed where it was asked.
func next(state mover.State, id, root string) string {
	if root != defaultRuns {
		id += " --runs " + root
	}
	switch state {
	case mover.Done:
		return "amlmove report " + id
	case mover.RolledBack, mover.Canceled:
		return "plan again, or apply the same plan to begin anew"
	case mover.Running, mover.RollingBack:
		return "if no process works on it: amlmove resume " + id
	case mover.Partial:
		return "amlmove report " + id + " says what is left; amlmove resume " + id + " tries it again"
	}
	return "amlmove resume " + id + " goes on; amlmove rollback " + id + " goes back"
}
