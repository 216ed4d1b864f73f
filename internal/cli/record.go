package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// recorded is one snapshot of a cloud that was written down.
type recorded struct {
	File   string          `json:"file"`
	Header snapshot.Header `json:"header"`
	Gaps   int             `json:"gaps"`
}

func newCloudRecord(s streams) *cobra.Command {
	o := captureOptions{}
	cmd := &cobra.Command{
		Use: "record FOLDER", Short: "Write every workspace of a running cloud into a folder of snapshots", Args: cobra.ExactArgs(1),
		Long: `Capture every workspace of the cloud of a data folder, each into a file GROUP.WORKSPACE.snap of its own (behind its subscription where several would have the same).
amlmove cloud up --snapshot makes a cloud of one, amlmove plan a plan, and cloudtest.FromSnapshot the ground of a test.

Exit codes: 0 everything was read, 2 there are gaps, 1 error.`,
		Example: "  amlmove cloud record estate\n  amlmove cloud record estate --to-subscription 11111111-aaaa-4aaa-8aaa-000000000002 --to-group ml-prod-rg",
		RunE:    func(cmd *cobra.Command, args []string) error { return runRecord(cmd.Context(), s, o, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&o.endpoint, "data", defaultData, "data `folder` of the cloud")
	f.StringVar(&o.targetSubscription, "to-subscription", "", "`id` of the subscription where they shall go")
	f.StringVar(&o.toGroup, "to-group", "", "`name` or id of the resource group where they shall go")
	f.BoolVar(&o.force, "force", false, "replace snapshots that are there already")
	f.StringVarP(&o.format, "output", "o", "table", "table or json")
	return cmd
}

func runRecord(ctx context.Context, s streams, o captureOptions, to string) error {
	if err := checkFormat(o.format); err != nil {
		return err
	}
	client, err := connect(ctx, o.endpoint)
	if err != nil {
		return err
	}
	ids, err := assessOptions{all: true}.workspaces(ctx, s, client, nil)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return errs.New(errs.NotFound, "NothingToRecord", "the cloud of %s has no workspace", o.endpoint)
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return errs.Wrap(errs.Invalid, "FolderNotWritable", err, "make the folder %s", to).At(to)
	}
	all, gaps, names := []recorded{}, 0, snapshotNames(ids)
	for i, id := range ids {
		_, _ = fmt.Fprintf(s.err, "%d of %d: %s\n", i+1, len(ids), id)
		one, err := record(ctx, client, o, id, filepath.Join(to, names[i]))
		if err != nil {
			return err
		}
		all, gaps = append(all, one), gaps+one.Gaps
	}
	if o.format == "json" {
		err = writeJSON(s.out, all)
	} else {
		w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "SNAPSHOT\tDOCUMENTS\tGAPS\tDIGEST") // Flush tells
		for _, r := range all {
			_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", r.File, r.Header.Documents, r.Gaps, r.Header.Digest)
		}
		err = w.Flush()
	}
	if err == nil && gaps > 0 {
		return exitStatus(exitWarnings)
	}
	return err
}

// snapshotNames are the names of the snapshots of workspaces: GROUP.WORKSPACE.snap, behind the subscription where several would have the same.
func snapshotNames(ids []arm.ID) []string {
	names, times := make([]string, len(ids)), map[string]int{}
	for i, id := range ids {
		names[i] = id.Group() + "." + id.Name() + ".snap"
		times[strings.ToLower(names[i])]++
	}
	for i, id := range ids {
		if times[strings.ToLower(names[i])] > 1 {
			names[i] = id.Subscription() + "." + names[i]
		}
	}
	return names
}

// record captures one workspace.
func record(ctx context.Context, c *azure.Client, o captureOptions, id arm.ID, file string) (r recorded, err error) {
	target, err := targetOf(o, id)
	if err != nil {
		return r, err
	}
	writer, err := snapshot.Create(ctx, file, o.force)
	if err != nil {
		return r, err
	}
	progress := &capture.Progress{}
	r.File = file
	r.Header, err = capture.Run(ctx, capture.Options{Client: c, Workspace: id, Target: target, Tool: toolVersion(), Progress: progress}, writer)
	r.Gaps = int(progress.Gaps.Load())
	return r, err
}
