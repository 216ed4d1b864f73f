package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

func newCloudSeed(s streams) *cobra.Command {
	o := upOptions{}
	cmd := &cobra.Command{
		Use: "seed", Short: "Make the world of a new cloud without starting it", Args: cobra.NoArgs,
		Long: `Fill a new data folder, or an empty PostgreSQL database, and end: a large world is then made once, and amlmove cloud up on it is ready at once.
A store that holds a world already is not touched.`,
		Example: "  amlmove cloud seed --fixture contoso --scale 100\n  amlmove cloud seed --snapshot contoso-ml.snap --data ./copy",
		RunE:    func(cmd *cobra.Command, _ []string) error { return runSeed(cmd.Context(), s, o) },
	}
	o.place(cmd.Flags())
	return cmd
}

func runSeed(ctx context.Context, s streams, o upOptions) (err error) {
	dir, st, engine, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	err = st.View(ctx, func(r store.Reader) error {
		held, err := fixture.Read(ctx, r)
		if err == nil {
			err = errs.New(errs.Conflict, "WorldExists", "the store of %s holds %s already", dir, held.Fixture).At(dir).Advise("name another folder with --data, or start this one with amlmove cloud up --data %s", o.data)
		}
		return err
	})
	if !errs.Is(err, errs.NotFound) {
		return err
	}
	c, err := cloud.Start(ctx, cloud.Options{Store: st})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	summary, err := world(ctx, c, o)
	if err != nil {
		return err
	}
	stats, err := st.Stats(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s made in %s (%s): %d subscriptions, %d entries in its tree, %d roles, locks and settings\n  amlmove cloud up --data %s\n",
		summary.Fixture, dir, engine, len(summary.Subscriptions), stats.Nodes, stats.Extensions, o.data)
	return err
}
