package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rehearse"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// rehearseOptions are the flags of `rehearse`.
type rehearseOptions struct {
	faults    []string
	chaos     uint64
	count     int
	durations string
	worst     bool
	all       string
	format    string
	html      string
	asOwner   bool
}

func newRehearse(s streams) *cobra.Command {
	o := rehearseOptions{}
	cmd := &cobra.Command{
		Use:   "rehearse PLAN.json...",
		Short: "Carry a plan out on a copy of the workspace, made of its snapshot: the forecast, and what happens when Azure misbehaves",
		Long: `Make a copy of the workspace and of both ends out of the snapshot, inside this process, and carry the plan out there with the very code of apply: hours pass in seconds, ARM's limits
hold, and nothing of yours is read or changed. It shows what would fail, what would be lost, how long everything takes and is away, and what a person must have ready.

--fault lets something go wrong, by name or all of them one after the other; --chaos draws combinations from a seed. Each must end well, stop safely, or wait for a person.

Exit codes: 0 moved and proven on the copy, 2 a person has something to do, 3 the plan is blocked, 4 it stopped safely (with --fault: sometimes), 1 error, or something was lost.`,
		Example: "  amlmove rehearse plan.json\n  amlmove rehearse plan.json --fault move-timed-out --fault half-moved\n  amlmove rehearse plan.json --fault all\n" +
			"  amlmove rehearse plan.json --chaos 7 -n 20\n  amlmove rehearse --all ./plans",
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), s, args) },
	}
	var names []string
	for _, scenario := range rehearse.Scenarios() {
		names = append(names, fmt.Sprintf("%s (%s)", scenario.Name, scenario.Says))
	}
	cmd.Long += "\n\nFaults:\n  " + strings.Join(names, "\n  ")
	f := cmd.Flags()
	f.StringSliceVar(&o.faults, "fault", nil, "`name` of something that goes wrong; may be given several times; all: each by itself")
	f.Uint64Var(&o.chaos, "chaos", 0, "draw combinations of faults with this `seed`")
	f.IntVarP(&o.count, "number", "n", 10, "how many combinations --chaos draws")
	f.StringVar(&o.durations, "durations", "", "`file` that says how long things take, instead of published figures (docs/rehearse.md)")
	f.BoolVar(&o.worst, "worst", false, "everything takes as long as on a bad day")
	f.StringVar(&o.all, "all", "", "rehearse every plan in a `folder`")
	f.StringVarP(&o.format, "output", "o", "table", "table or json")
	f.BoolVar(&o.asOwner, "as-owner", false, "let the caller do everything in the copy: for whoever may only read, what somebody with the rights would see")
	f.StringVar(&o.html, "html", "", "also write the forecast as a page into this `file`")
	return cmd
}

func (o rehearseOptions) run(ctx context.Context, s streams, files []string) error {
	if err := checkFormat(o.format); err != nil {
		return err
	}
	files, err := o.plans(files)
	if err != nil {
		return err
	}
	scenarios, err := o.scenarios()
	if err != nil {
		return err
	}
	model := rehearse.DefaultModel()
	if o.durations != "" {
		if model, err = rehearse.ReadModel(o.durations); err != nil {
			return err
		}
	}
	durations := model.Typical()
	if o.worst {
		durations = model.Worst()
	}
	var jobs []*rehearsalJob
	for _, file := range files {
		p, snap, err := planAndSnapshot(ctx, file)
		if err != nil {
			return err
		}
		for _, scenario := range scenarios {
			jobs = append(jobs, &rehearsalJob{file: file, plan: p, o: rehearse.Options{Plan: p, Snapshot: snap, Durations: durations, Scenario: scenario, AsOwner: o.asOwner, Tool: toolVersion()}})
		}
	}
	if err := sideBySide(ctx, s, jobs); err != nil {
		return err
	}
	return o.conclude(s, jobs)
}

// plans are the files that are rehearsed.
func (o rehearseOptions) plans(files []string) ([]string, error) {
	if o.all != "" {
		found, err := plansIn(o.all)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, errs.New(errs.Invalid, "PlanMissing", "which plan shall be rehearsed?").Advise("amlmove rehearse PLAN.json, or --all FOLDER")
	}
	return files, nil
}

// plansIn are the plans in a folder.
func plansIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, "PlansFolder", err, "the folder %s cannot be read", dir).At(dir)
	}
	var files []string
	for _, entry := range entries {
		file := filepath.Join(dir, entry.Name())
		if !strings.HasSuffix(file, ".json") || entry.IsDir() {
			continue
		}
		if _, err := plan.Read(file); err == nil {
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		return nil, errs.New(errs.NotFound, "PlansFolder", "there is no plan in %s", dir).At(dir).Advise("amlmove plan writes them")
	}
	return files, nil
}

// scenarios are what goes wrong; one in which nothing does when nobody asks for more.
func (o rehearseOptions) scenarios() ([]rehearse.Scenario, error) {
	scenarios, err := rehearse.Find(o.faults...)
	if err != nil {
		return nil, err
	}
	if o.chaos != 0 {
		if o.count < 1 {
			return nil, errs.New(errs.Invalid, "InvalidNumber", "--number is %d and must be at least 1", o.count)
		}
		for n := range o.count {
			scenarios = append(scenarios, rehearse.Chaos(o.chaos, n))
		}
	}
	if len(scenarios) == 0 {
		scenarios = []rehearse.Scenario{{}}
	}
	return scenarios, nil
}

// planAndSnapshot reads a plan and finds the snapshot from which it was made.
func planAndSnapshot(ctx context.Context, file string) (*plan.Plan, string, error) {
	p, err := plan.Read(file)
	if err != nil {
		return nil, "", err
	}
	path := p.Snapshot.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(file), path)
	}
	snap, err := snapshot.Open(ctx, path)
	if err != nil {
		return nil, "", fmt.Errorf("the plan %s was made from a snapshot that is needed for a copy: %w", file, err)
	}
	defer func() { _ = snap.Close() }() // only read
	if snap.Header.Digest != p.Snapshot.Digest {
		return nil, "", errs.New(errs.Conflict, "SnapshotOther", "the snapshot %s is not the one from which the plan %s was made", path, file).At(path).Advise("plan again")
	}
	return p, path, nil
}

// rehearsalJob is one rehearsal.
type rehearsalJob struct {
	file   string
	plan   *plan.Plan
	o      rehearse.Options
	result *rehearse.Result
	err    error
}

// blocked reports whether the plan cannot be carried out at all. As an owner that is known when it was made again in the copy.
func (j *rehearsalJob) blocked() bool {
	if j.o.AsOwner {
		e := errs.As(j.err)
		return e != nil && e.Code == "PlanBlocked"
	}
	return !j.plan.Applyable
}

// sideBySide rehearses, as many at once as there are processors.
func sideBySide(ctx context.Context, s streams, jobs []*rehearsalJob) error {
	hands := make(chan struct{}, max(1, runtime.NumCPU()))
	var busy sync.WaitGroup
	var mutex sync.Mutex
	for i, j := range jobs {
		if j.blocked() {
			continue
		}
		hands <- struct{}{}
		busy.Go(func() {
			defer func() { <-hands }()
			began := time.Now()
			j.result, j.err = rehearse.Run(ctx, j.o)
			mutex.Lock()
			defer mutex.Unlock()
			if len(jobs) > 1 && j.err == nil {
				_, _ = fmt.Fprintf(s.err, "%3d of %d  %-28s %s (%.1f s)\n", i+1, len(jobs), j.name(), j.result.Outcome, time.Since(began).Seconds())
			}
		})
	}
	busy.Wait()
	for _, j := range jobs {
		if j.err != nil && !j.blocked() {
			return fmt.Errorf("rehearse %s: %w", j.name(), j.err)
		}
	}
	return nil
}

func (j *rehearsalJob) name() string {
	if j.o.Scenario.Name == "" {
		return filepath.Base(j.file)
	}
	return j.o.Scenario.Name
}

// conclude shows the results, keeps them with the plans, and says by the exit code how they ended.
func (o rehearseOptions) conclude(s streams, jobs []*rehearsalJob) error {
	var results []*rehearse.Result
	says, blocked := map[string]string{}, map[string]bool{} // a plan is blocked whatever goes wrong with it: that is said once
	for _, j := range jobs {
		if j.blocked() {
			if blocked[j.file] {
				continue
			}
			blocked[j.file] = true
			why := "it cannot be carried out before what stops it is done (amlmove plan shows it; --as-owner passes over missing rights)"
			if j.err != nil {
				why = describe(j.err)
			}
			_, _ = fmt.Fprintf(s.err, "%s is blocked: %s\n", j.file, why)
			continue
		}
		results = append(results, j.result)
		says[j.o.Scenario.Name] = j.o.Scenario.Says
		if err := remember(j); err != nil {
			return err
		}
	}
	if err := o.show(s, results, says); err != nil {
		return err
	}
	return statusOf(jobs)
}

func (o rehearseOptions) show(s streams, results []*rehearse.Result, says map[string]string) error {
	if o.html != "" && len(results) > 0 {
		if err := writePage(o.html, func(to io.Writer) error { return rehearse.HTML(to, results, says) }); err != nil {
			return err
		}
	}
	switch {
	case o.format == "json" && len(results) == 1:
		return writeJSON(s.out, results[0])
	case o.format == "json":
		return writeJSON(s.out, results)
	case len(results) == 1:
		return rehearse.Text(s.out, results[0])
	case len(results) > 1:
		return rehearse.Table(s.out, results, says)
	}
	return nil
}

// writePage writes a page into a file.
func writePage(file string, write func(io.Writer) error) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return errs.Wrap(errs.Unavailable, "PageFile", err, "the page %s cannot be written", file).At(file)
	}
	return errors.Join(write(f), f.Close())
}

// remember writes the rehearsal of a plan in which nothing was made to go wrong into the plan's file. A plan in a folder that may not be written is rehearsed all the same.
func remember(j *rehearsalJob) error {
	if j.o.Scenario.Name != "" || j.o.AsOwner {
		return nil
	}
	p := *j.plan
	p.Rehearsal = &plan.Rehearsal{Digest: j.result.Digest, Plan: p.Digest, Outcome: string(j.result.Outcome), Takes: j.result.Takes, At: time.Now().UTC().Truncate(time.Second), Tool: toolVersion()}
	err := plan.Write(j.file, &p, true)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// statusOf is the worst of what became of the rehearsals.
func statusOf(jobs []*rehearsalJob) error {
	var codes []int
	for _, j := range jobs {
		switch {
		case j.blocked():
			codes = append(codes, exitBlockers)
		case j.result.Outcome == rehearse.Broken:
			codes = append(codes, exitError)
		case j.result.Outcome == rehearse.Stopped:
			codes = append(codes, exitPartial)
		case j.result.Outcome == rehearse.Person || len(j.result.Todos()) > 0:
			codes = append(codes, exitWarnings)
		}
	}
	for _, code := range []int{exitError, exitBlockers, exitPartial, exitWarnings} {
		if slices.Contains(codes, code) {
			return exitStatus(code)
		}
	}
	return nil
}
