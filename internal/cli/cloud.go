package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/folder"
	"github.com/amlmove/amlmove/internal/cloud/replica"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/postgres"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// defaultData is the data folder when --data is not given.
const defaultData = ".amlmove/cloud"

func newCloud(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cloud",
		Short: "A local Azure Resource Manager in which workspaces really move",
		Long: `A local Azure Resource Manager: HTTPS with a certificate authority of its own, tokens, roles, locks, policies, providers, workspaces with all
their children, and moves with the damage that Azure's page describes. There is no data plane: blobs, secrets, images and scoring calls are named
in the documents and do not answer.`,
	}
	return family(cmd, newCloudUp(s), newCloudDown(s), newCloudStatus(s), newCloudSeed(s), newCloudFork(s), newCloudRewind(s), newCloudRecord(s), newCloudAPI(s), newCloudAz(s))
}

// upOptions are the flags of `cloud up`.
type upOptions struct {
	listen, advertise, data, store, fixture, snapshot string
	allowRemote, detach                               bool
	scale                                             int
}

func newCloudUp(s streams) *cobra.Command {
	o := upOptions{}
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start a cloud and keep it running",
		Long: `Start a cloud. On a data folder that was used before it goes on where it stopped; on a new one it loads the fixture first.
It is ready when cloud.json is in the data folder; env.sh beside it points az and the Azure SDKs at it.`,
		Example: `  amlmove cloud up
  amlmove cloud up --fixture contoso-quiet --detach
  amlmove cloud up --snapshot contoso-ml.snap
  amlmove cloud up --store postgres://user@localhost/amlmove --data ./node1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.detach {
				return detach(cmd.Context(), s, o)
			}
			return runUp(cmd.Context(), s, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "`address` to listen on; port 0 takes a free one")
	f.StringVar(&o.advertise, "advertise", "", "`https://host:port` by which clients reach the cloud, when that is a balancer before several nodes")
	f.BoolVar(&o.allowRemote, "allow-remote", false, "permit an address that other machines can reach")
	f.BoolVar(&o.detach, "detach", false, "return when the cloud is ready and let it run in the background")
	o.place(f)
	return cmd
}

// place are the flags that say where a world is and what a new one holds.
func (o *upOptions) place(f *pflag.FlagSet) {
	f.StringVar(&o.data, "data", defaultData, "data `folder`")
	f.StringVar(&o.store, "store", "", "postgres://... for several nodes; default: SQLite in the data folder")
	f.StringVar(&o.fixture, "fixture", "contoso", "what a new cloud holds: contoso, contoso-quiet, empty, or a `file`")
	f.StringVar(&o.snapshot, "snapshot", "", "a new cloud holds the workspace that was captured into this `file`, and what was around it")
	f.IntVar(&o.scale, "scale", 1, "make the fixture so many times as large")
}

// open makes the data folder and opens the store that the flags name.
func (o *upOptions) open(ctx context.Context) (dir string, s store.Store, engine string, err error) {
	if dir, err = folder.Make(o.data); err != nil {
		return dir, nil, "", err
	}
	if o.store != "" {
		s, err = postgres.Open(ctx, o.store)
		return dir, s, "postgres", err
	}
	s, err = sqlite.Open(ctx, filepath.Join(dir, folder.DatabaseFile))
	return dir, s, "sqlite", err
}

// gcPercent lets the heap of a server grow to four times what it keeps before it is swept: the heap is small and requests leave much behind.
const gcPercent = 300

// runUp starts a cloud and serves until the context ends.
func runUp(ctx context.Context, s streams, o upOptions) (err error) {
	debug.SetGCPercent(gcPercent)
	dir, st, engine, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if err := folder.Withdraw(dir); err != nil { // of a cloud that was killed: whoever waits for cloud.json must not find that one
		return err
	}
	log := slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelInfo}))
	c, err := cloud.Start(ctx, cloud.Options{Store: st, Listen: o.listen, Advertise: o.advertise, AllowRemote: o.allowRemote, Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Withdraw(dir), c.Close()) }()
	summary, err := world(ctx, c, o)
	if err != nil {
		return err
	}
	state := folder.NewState(dir, c.Base(), c.Address(), engine, summary)
	if err := folder.Publish(dir, state, c.Keys.CAPEM()); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(s.out, "cloud ready at %s (fixture %s, %s)\n  %s\n  . %s\n", state.Endpoint, state.Fixture, engine,
		filepath.Join(dir, folder.StateFile), filepath.Join(dir, folder.EnvFile))
	select {
	case <-ctx.Done():
		return nil
	case err := <-c.Failed():
		return err
	}
}

// world reads what the store holds, or loads the fixture into an empty one.
func world(ctx context.Context, c *cloud.Cloud, o upOptions) (fixture.Summary, error) {
	var summary fixture.Summary
	read := func() error {
		return c.Store.View(ctx, func(r store.Reader) (err error) {
			summary, err = fixture.Read(ctx, r)
			return err
		})
	}
	err := read()
	if !errs.Is(err, errs.NotFound) {
		return summary, err
	}
	target := fixture.Target{Store: c.Store, Tree: c.Tree, Types: cloud.Types(), Now: time.Now}
	load := func() (fixture.Summary, error) {
		if o.snapshot == "" {
			return fixture.Load(ctx, target, o.fixture, fixture.Options{Scale: o.scale})
		}
		return likeness(ctx, target, o.snapshot)
	}
	loaded, err := load()
	if errs.Is(err, errs.Conflict) && read() == nil { // another node that began at the same time was quicker
		return summary, nil
	}
	return loaded, err
}

// likeness loads a snapshot.
func likeness(ctx context.Context, target fixture.Target, file string) (fixture.Summary, error) {
	snap, err := snapshot.Open(ctx, file)
	if err != nil {
		return fixture.Summary{}, err
	}
	defer func() { _ = snap.Close() }() // only read
	r, err := replica.Load(ctx, snap, target, replica.Options{})
	if err != nil {
		return fixture.Summary{}, err
	}
	for _, left := range r.LeftOut {
		slog.WarnContext(ctx, "left out of the cloud", "id", left.ID, "why", left.Why)
	}
	return r.Summary, nil
}

func newCloudStatus(s streams) *cobra.Command {
	var data, output string
	cmd := &cobra.Command{
		Use: "status", Short: "Say whether a cloud runs on a data folder, and where", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(output); err != nil {
				return err
			}
			state, err := folder.Read(data)
			if err != nil {
				return err
			}
			if !state.Answers(cmd.Context()) {
				return errs.New(errs.NotFound, "CloudNotRunning", "the cloud of %s is gone: nothing of its own answers at %s any more", data, state.Address).
					Advise("start it again with: amlmove cloud up --data %s", data)
			}
			if output == "json" {
				for i := range state.Principals {
					state.Principals[i].ClientSecret, state.Principals[i].Password = "", ""
				}
				state.ClientSecret = ""
				text, err := json.MarshalIndent(state, "", "  ")
				if err == nil {
					_, err = fmt.Fprintln(s.out, string(text))
				}
				return err
			}
			_, err = fmt.Fprintf(s.out, "endpoint       %s\nfixture        %s\nstore          %s\nprocess        %d\ntenant         %s\n", state.Endpoint, state.Fixture, state.Store, state.PID, state.TenantID)
			for _, sub := range state.Subscriptions {
				_, _ = fmt.Fprintf(s.out, "subscription   %s\n", sub)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&data, "data", defaultData, "data `folder`")
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return cmd
}

func newCloudAz(s streams) *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "az -- ARGS...", Short: "Run the real az against the cloud, in a configuration folder of its own",
		Long:    "Run the real Azure CLI against the cloud of a data folder: registered, signed in, in a configuration folder of its own. Your ~/.azure is never touched. The exit code and the output are az's.",
		Example: "  amlmove cloud az -- account list -o table\n  amlmove cloud az -- resource list -g ml-dev-rg -o table",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := filepath.Abs(data)
			if err != nil {
				return err
			}
			state, err := folder.Read(dir)
			if err != nil {
				return err
			}
			az, err := folder.FindAz(cmd.Context(), dir, state)
			if err != nil {
				return err
			}
			code, err := az.Run(cmd.Context(), s.in, s.out, s.err, args...)
			if err == nil && code != 0 {
				return exitStatus(code)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&data, "data", defaultData, "data `folder`")
	return cmd
}
