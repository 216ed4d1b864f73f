package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/snapshot"
)

func newSnapshot(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use: "snapshot", Short: "Look into snapshot files, compare them, check them",
		Long: "Look into the files that `amlmove capture` writes. Everything works offline.",
	}
	return family(cmd, newSnapshotShow(s), newSnapshotExport(s), newSnapshotDiff(s), newSnapshotVerify(s))
}

// onSnapshot opens a file for a command.
func onSnapshot(ctx context.Context, path string, use func(*snapshot.Snapshot) error) (err error) {
	snap, err := snapshot.Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	return use(snap)
}

func newSnapshotShow(s streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "show FILE", Short: "Say what a snapshot is of, what is in it and what is missing", Args: cobra.ExactArgs(1),
		Example: "  amlmove snapshot show w.snap\n  amlmove snapshot show w.snap -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			return describeSnapshot(cmd.Context(), s, args[0], format)
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	return cmd
}

func newSnapshotExport(s streams) *cobra.Command {
	return &cobra.Command{
		Use: "export FILE", Short: "Write a snapshot as JSON Lines: its header, every document, gaps and notes", Args: cobra.ExactArgs(1),
		Example: "  amlmove snapshot export w.snap > w.jsonl\n  amlmove snapshot export w.snap | jq -c 'select(.document.section==\"content\") | .document.body'",
		RunE: func(cmd *cobra.Command, args []string) error {
			return onSnapshot(cmd.Context(), args[0], func(snap *snapshot.Snapshot) error { return snap.Export(cmd.Context(), s.out) })
		},
	}
}

func newSnapshotVerify(s streams) *cobra.Command {
	return &cobra.Command{
		Use: "verify FILE", Short: "Compute every digest again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onSnapshot(cmd.Context(), args[0], func(snap *snapshot.Snapshot) error {
				if err := snap.Verify(cmd.Context()); err != nil {
					return err
				}
				_, err := fmt.Fprintf(s.out, "%s is whole: %d documents, digest %s\n", args[0], snap.Header.Documents, snap.Header.Digest)
				return err
			})
		},
	}
}

func newSnapshotDiff(s streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "diff OLD NEW", Short: "Name the documents and properties in which two snapshots differ", Args: cobra.ExactArgs(2),
		Long: `Name the documents that were added, removed or changed, with the properties that differ. With -o json every change is a line of its own.

Exit codes: 0 no difference, 2 differences, 1 error.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			return onSnapshot(cmd.Context(), args[0], func(a *snapshot.Snapshot) error {
				return onSnapshot(cmd.Context(), args[1], func(b *snapshot.Snapshot) error { return runDiff(cmd.Context(), s, a, b, format) })
			})
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	return cmd
}

// runDiff prints each change as it is found.
func runDiff(ctx context.Context, s streams, a, b *snapshot.Snapshot, format string) error {
	for _, snap := range []*snapshot.Snapshot{a, b} {
		gaps, err := snap.Gaps(ctx)
		if err != nil {
			return err
		}
		for _, gap := range gaps {
			_, _ = fmt.Fprintf(s.err, "not in %s, whether it is there or not: %s %s\n", snap.Path(), gap.Section, arm.Printable(gap.Path))
		}
	}
	changes := 0
	for change, err := range snapshot.Diff(ctx, a, b) {
		if err != nil {
			return err
		}
		changes++
		if format == "json" {
			err = writeLine(s.out, change)
		} else {
			_, err = fmt.Fprintf(s.out, "%-8s %-8s %s  %s\n", change.What, change.Section, arm.Printable(change.ID), arm.Printable(strings.Join(change.Paths, ", ")))
		}
		if err != nil {
			return err
		}
	}
	if changes > 0 {
		return exitStatus(exitWarnings)
	}
	if format == "json" {
		return nil
	}
	_, err := fmt.Fprintln(s.out, "no difference")
	return err
}
