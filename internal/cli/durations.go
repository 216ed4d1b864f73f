package cli

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/rehearse"
)

func newDurations(s streams) *cobra.Command {
	var place runPlace
	var file, format string
	var force bool
	cmd := &cobra.Command{
		Use: "durations [RUN...]", Short: "Measure how long things took in earlier runs, for rehearsals to come",
		Long: `Read the journals of runs, of all in the folder if none is named, and tell how long each kind of thing took that a rehearsal has a duration for: the median, and the
longest. --file writes what amlmove rehearse --durations reads. Steps that were begun more than once do not count: where a run was killed they hold the pause. Runs on Azure and on a
practice cloud are not mixed: of all runs those on Azure count, if there are any.`,
		Example: "  amlmove durations\n  amlmove durations contoso-ml-3fa94c21 --file ours.json\n  amlmove rehearse plan.json --durations ours.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			measured, err := place.measure(cmd.Context(), s, args)
			if err != nil {
				return err
			}
			if file != "" {
				if err := rehearse.WriteModel(file, rehearse.ModelOf(measured), force); err != nil {
					return err
				}
			}
			return showDurations(s, measured, format)
		},
	}
	place.kept(cmd.Flags())
	cmd.Flags().StringVar(&file, "file", "", "write them into a `file` for amlmove rehearse --durations")
	cmd.Flags().BoolVar(&force, "force", false, "replace a file that is there already")
	cmd.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	return cmd
}

// measure reads runs, all of them if none is named. That nothing could be measured is an error.
func (p runPlace) measure(ctx context.Context, s streams, ids []string) ([]rehearse.Measured, error) {
	every := len(ids) == 0
	if every {
		all, err := mover.Runs(p.runs)
		if err != nil {
			return nil, err
		}
		ids = all
	}
	var stories []mover.Story
	for _, id := range ids {
		story, err := p.look(ctx, id)
		if err != nil && every { // one run that cannot be read must not hide the others
			_, _ = fmt.Fprintf(s.err, "amlmove: %s: %s\n", id, describe(err))
			continue
		}
		if err != nil {
			return nil, err
		}
		stories = append(stories, story)
	}
	stories, remark, err := oneSide(stories, every)
	if err != nil {
		return nil, err
	}
	if remark != "" {
		_, _ = fmt.Fprintln(s.err, "amlmove:", remark)
	}
	measured := rehearse.Measure(stories)
	if len(measured) == 0 {
		return nil, errs.New(errs.NotFound, "NothingMeasured", "%d runs in %s tell no duration that a rehearsal could use", len(stories), p.runs).
			Advise("steps that were begun more than once do not count; --runs names another folder")
	}
	return measured, nil
}

// oneSide leaves the runs on Azure, or, if there are none, those on a practice cloud, and says what a person should know of that. Both of them in one list that somebody named are a mistake.
func oneSide(stories []mover.Story, every bool) (kept []mover.Story, remark string, err error) {
	var onAzure, practice []mover.Story
	for _, s := range stories {
		if azure.Microsoft(s.Meta.Endpoint) {
			onAzure = append(onAzure, s)
		} else {
			practice = append(practice, s)
		}
	}
	switch {
	case len(practice) == 0:
		return onAzure, "", nil
	case len(onAzure) == 0:
		return practice, "these runs were carried out on a practice cloud: Azure takes its own time", nil
	case every:
		return onAzure, fmt.Sprintf("%d practice runs do not count", len(practice)), nil
	}
	return nil, "", errs.New(errs.Invalid, "RunsMixed", "%s is of Azure and %s of a practice cloud, and one says nothing of the other", onAzure[0].Meta.ID, practice[0].Meta.ID).Advise("name runs of one kind")
}

func showDurations(s streams, measured []rehearse.Measured, format string) error {
	if format == "json" {
		return writeJSON(s.out, measured)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "WHAT\tTIMES\tTYPICAL\tWORST\tWITHOUT A FILE") // Flush tells
	for _, m := range measured {
		_, _ = fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", m.Name, m.Count, m.Typical, m.Worst, m.Published)
	}
	return w.Flush()
}
