package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// benchMover measures a whole move of one workspace, command by command, by its size. With script, the same inventory and the same restore are done by a shell script
// of az commands on a copy of the same world, on at most so many documents of it.
func benchMover(ctx context.Context, scales string, script int, rehearsed bool) error {
	for text := range strings.SplitSeq(scales, ",") {
		scale, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("-scales: %w", err)
		}
		if err := moverAt(ctx, scale, script, rehearsed); err != nil {
			return fmt.Errorf("scale %d: %w", scale, err)
		}
	}
	return nil
}

// moverBench is one cloud and one workspace that is moved in it.
type moverBench struct {
	*target
	binary    string
	state     cloudState
	rehearsed bool          // the plan is rehearsed as well
	landing   string        // id of the workspace once it is moved
	versions  int           // of data assets, which do not travel
	inventory time.Duration // what the capture took
	restore   time.Duration // what the step took that registers the data assets again
}

func moverAt(ctx context.Context, scale, script int, rehearsed bool) error {
	dir, err := os.MkdirTemp("", "amlmove-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := &moverBench{target: &target{dir: dir}, rehearsed: rehearsed}
	if b.binary, err = buildBinary(ctx); err != nil {
		return err
	}
	ready, err := b.start(ctx, b.binary, "cloud", "up", "--data", dir, "--fixture", "contoso-quiet", "--scale", strconv.Itoa(scale))
	if err != nil {
		return err
	}
	defer b.stop()
	fmt.Printf("\ncontoso-quiet %d times as large, made in %.1f s\n", scale, ready.Seconds())
	if err := b.aimMover(ctx); err != nil {
		return err
	}
	if err := b.commands(ctx); err != nil {
		return err
	}
	if script > 0 {
		return b.script(ctx, script)
	}
	return nil
}

// aimMover finds the workspace, and sets a fault that never strikes: it counts requests.
func (b *moverBench) aimMover(ctx context.Context) error {
	if err := b.aim(ctx, "cloud"); err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(b.dir, "cloud.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &b.state); err != nil {
		return err
	}
	group := "/subscriptions/" + b.state.Subscriptions[1] + "/resourceGroups/bench-rg?api-version=2021-04-01"
	if _, err := b.send(ctx, http.MethodPut, b.endpoint+group, "application/json", `{"location":"eastus"}`); err != nil {
		return err
	}
	_, err = b.send(ctx, http.MethodPost, b.endpoint+"/_cloud/faults", "application/json", `{"kind":"latency","delay":"1ms","match":{"skip":1000000000}}`)
	return err
}

// requests is how many the cloud has met.
func (b *moverBench) requests(ctx context.Context) (int, error) {
	var list struct{ Faults []struct{ Seen int } }
	if err := b.json(ctx, http.MethodGet, b.endpoint+"/_cloud/faults", "", "", &list); err != nil {
		return 0, err
	}
	if len(list.Faults) != 1 {
		return 0, errors.New("the fault that counts requests is gone")
	}
	return list.Faults[0].Seen, nil
}

// commands runs the commands of a move, one after the other.
func (b *moverBench) commands(ctx context.Context) error {
	snap, plan, runs := filepath.Join(b.dir, "w.snap"), filepath.Join(b.dir, "plan.json"), filepath.Join(b.dir, "runs")
	to := []string{"--to-subscription", b.state.Subscriptions[1], "--to-group", "bench-rg"}
	for _, c := range []struct {
		name string
		args []string
	}{
		{"capture", append([]string{"capture", b.workspace, "-o", snap, "--endpoint", b.dir}, to...)},
		{"plan", []string{"plan", snap, "-o", plan, "--approve-endpoints"}},
		{"rehearse", []string{"rehearse", plan}},
		{"apply", []string{"apply", plan, "--yes", "--runs", runs, "--endpoint", b.dir}},
		{"verify", []string{"verify", "--runs", runs, "--endpoint", b.dir}},
	} {
		if c.name == "rehearse" && !b.rehearsed {
			continue
		}
		before, err := b.requests(ctx)
		if err != nil {
			return err
		}
		if c.name == "verify" {
			folder, err := onlyRun(runs)
			if err != nil {
				return err
			}
			c.args = append(c.args, filepath.Base(folder.Path))
		}
		took, memory, err := b.command(ctx, c.args...)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		after, err := b.requests(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("  %-9s %8.2f s  %7d requests  %6.0f MB", c.name, took.Seconds(), after-before, memory)
		switch c.name {
		case "capture":
			documents, err := b.captured(ctx, snap)
			if err != nil {
				return err
			}
			b.inventory = took
			fmt.Printf("  %d documents, %.0f a second", documents, float64(documents)/took.Seconds())
		case "apply":
			if b.restore, err = restoreOf(ctx, runs); err != nil {
				return err
			}
			fmt.Printf("  %d data versions, registered again in %.2f s", b.versions, b.restore.Seconds())
		}
		fmt.Println()
	}
	return nil
}

// onlyRun is the only run of a folder.
func onlyRun(runs string) (mover.Folder, error) {
	entries, err := os.ReadDir(runs)
	if err != nil || len(entries) != 1 {
		return mover.Folder{}, fmt.Errorf("%d runs in %s: %w", len(entries), runs, err)
	}
	return mover.FolderOf(runs, entries[0].Name())
}

// restoreOf is how long the run took to register data assets again, as its journal says.
func restoreOf(ctx context.Context, runs string) (time.Duration, error) {
	folder, err := onlyRun(runs)
	if err != nil {
		return 0, err
	}
	story, err := mover.Look(ctx, folder, nil)
	if err != nil {
		return 0, err
	}
	for _, s := range story.Steps {
		if strings.HasPrefix(s.Step, "restore/restoreData/") {
			return s.Ended.Sub(s.Began), nil
		}
	}
	return 0, errors.New("the run registered no data asset again")
}

// command runs one command and tells its time and its peak of resident memory, in MB. Exit codes 2 and 4 say that a person has something to do, or that something differs.
func (b *moverBench) command(ctx context.Context, args ...string) (time.Duration, float64, error) {
	cmd := exec.CommandContext(ctx, b.binary, args...)
	cmd.Dir = b.dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if exit, is := errors.AsType[*exec.ExitError](err); is && (exit.ExitCode() == 2 || exit.ExitCode() == 4) {
		err = nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %s", err, out.Bytes())
	}
	return took, peak(cmd), nil
}

// captured counts the documents of a snapshot, and reads of it where the workspace goes.
func (b *moverBench) captured(ctx context.Context, file string) (n int, err error) {
	snap, err := snapshot.Open(ctx, file)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	landing, err := arm.Parse(snap.Header.TargetID)
	if err != nil {
		return 0, err
	}
	workspace, err := arm.Parse(b.workspace)
	if err != nil {
		return 0, err
	}
	b.landing = landing.Child(workspace[len(workspace)-1]).String()
	counts, err := snap.Counts(ctx)
	for _, c := range counts {
		if c.Section == snapshot.Content && c.Type.Is(aml.Workspaces+"/data/versions") {
			b.versions = c.Count
		}
	}
	return snap.Header.Documents, err
}
