package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/verify"
)

func newVerify(s streams) *cobra.Command {
	o := applyOptions{}
	cmd := &cobra.Command{
		Use: "verify RUN", Short: "Read both ends again and compare with what was before the move, object by object", Args: cobra.ExactArgs(1),
		Long:    "Read both ends again and compare them with what was before the move, object by object. Nothing is changed but the report in the folder of the run.\n\nExit codes: 0 no difference, 4 differences, 1 error.",
		Example: "  amlmove verify contoso-ml-3fa94c21\n  amlmove verify contoso-ml-3fa94c21 -o json",
		RunE:    func(cmd *cobra.Command, args []string) error { return o.verify(cmd.Context(), s, args[0]) },
	}
	o.runPlace.flags(cmd.Flags())
	cmd.Flags().StringVarP(&o.format, "output", "o", "table", "table or json")
	return cmd
}

func (o applyOptions) verify(ctx context.Context, s streams, id string) (err error) {
	if err := checkFormat(o.format); err != nil {
		return err
	}
	folder, client, err := o.find(ctx, id)
	if err != nil {
		return err
	}
	run, closing, err := o.openRun(ctx, folder, client, nil, func(mover.Event) {})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closing()) }()
	found, err := run.Verify(ctx)
	if err != nil {
		return err
	}
	story, err := run.Story(ctx)
	if err != nil {
		return err
	}
	if _, err := leaveReport(ctx, folder, story); err != nil { // the page shows what was compared last
		return err
	}
	if o.format == "json" {
		err = writeJSON(s.out, found)
	} else {
		err = verifyText(s, found)
	}
	if err == nil && found.Verdict != verify.Clean {
		return exitStatus(exitPartial)
	}
	return err
}

func verifyText(s streams, found *verify.Result) error {
	w := &linesTo{to: s.out}
	w.line("compared %d things: %d differences", found.Compared, found.Total)
	for _, row := range found.Rows {
		w.line("  %-32s %7d %7d%s", row.Kind, row.Before, row.After, rowNote(row))
	}
	for _, d := range found.Differences {
		id := d.After
		if id == "" {
			id = d.Before
		}
		text := fmt.Sprintf("%s %s: %s", d.Kind, d.What, id)
		if d.Path != "" {
			text += fmt.Sprintf("  %s should be %s and is %s", d.Path, d.Was, d.Is)
		}
		w.line("%s", text)
	}
	for _, e := range found.Extra {
		w.line("made meanwhile, which is no difference: %s", e.After)
	}
	return w.err
}
