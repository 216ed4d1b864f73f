package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/folder"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

func newDemo(s streams) *cobra.Command {
	dir := ""
	cmd := &cobra.Command{
		Use: "demo", Short: "The whole story in under a minute: a workspace in full use moves, on this machine", Args: cobra.NoArgs,
		Long: `Start an embedded cloud with a workspace in full use (computes, endpoints with traffic, running jobs, private endpoints), plan its move to another subscription, carry the plan
out, bring back what does not travel, prove that all is there, and leave a report. Everything happens on this machine.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), s, dir) },
	}
	cmd.Flags().StringVar(&dir, "dir", ".amlmove/demo", "`folder` for the plan, the run and the report")
	return cmd
}

// demoChoices are what the people of the demo decided.
var demoChoices = rules.Choices{Include: []string{"all"}, Drain: rules.Cancel, AcceptInstanceLoss: true, LiftLocks: true, ApproveEndpoints: true, Force: true}

// scene is the embedded cloud of the demo, its client, and what moves where.
type scene struct {
	streams
	dir       string
	client    *azure.Client
	workspace arm.ID
	target    arm.ID
}

func (s *scene) say(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format, args...) }

func runDemo(ctx context.Context, s streams, dir string) error {
	began := time.Now()
	dir, err := demoFolder(dir, began)
	if err != nil {
		return err
	}
	return onScene(ctx, s, dir, func(ctx context.Context, sc *scene) error {
		if err := sc.inUse(ctx); err != nil {
			return err
		}
		p, err := sc.plan(ctx, "plan")
		if err != nil {
			return err
		}
		if !p.Applyable {
			return errs.New(errs.Internal, "DemoBlocked", "the plan of the demo is blocked: %v", p.Findings[0].Message)
		}
		if err := planText(sc.streams, p, ""); err != nil {
			return err
		}
		sc.say("The plan is in %s.\n", filepath.Join(dir, "plan.json"))
		sc.say("\n3. The plan is carried out.\n\n")
		if err := sc.apply(ctx, p); err != nil {
			return err
		}
		sc.say("\nDone in %.1f s. Look around yourself:  amlmove cloud up --detach && amlmove cloud az -- resource list -o table\n", time.Since(began).Seconds())
		return nil
	})
}

// demoFolder makes the folder of one demo; where this one may not be written, in the machine's own for such things.
func demoFolder(dir string, now time.Time) (string, error) {
	dir = filepath.Join(dir, now.Format("20060102-150405"))
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", "amlmove-demo-")
}

// onScene plays on a fresh cloud in which the fixture contoso is in full use.
func onScene(ctx context.Context, s streams, dir string, play func(context.Context, *scene) error) (err error) {
	data, err := os.MkdirTemp("", "amlmove-cloud-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	st, err := sqlite.Open(ctx, filepath.Join(data, folder.DatabaseFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	c, err := cloud.Start(ctx, cloud.Options{Store: st})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	summary, err := fixture.Load(ctx, fixture.Target{Store: st, Tree: c.Tree, Types: cloud.Types(), Now: time.Now}, "contoso", fixture.Options{Scale: 1})
	if err != nil {
		return err
	}
	state := folder.NewState(data, c.Base(), c.Address(), "sqlite", summary)
	if err := folder.Publish(data, state, c.Keys.CAPEM()); err != nil {
		return err
	}
	client, err := connect(ctx, data)
	if err != nil {
		return err
	}
	workspace, err := capture.Find(ctx, client, "contoso-ml")
	if err != nil {
		return err
	}
	target := arm.ID{{Type: arm.Subscriptions, Name: state.Subscriptions[1]}, {Type: arm.ResourceGroups, Name: "ml-prod-rg"}}
	return play(ctx, &scene{streams: s, dir: dir, client: client, workspace: workspace, target: target})
}

// inUse shows what stops the move of a workspace in full use, and lets the people of the demo do their part.
func (s *scene) inUse(ctx context.Context) error {
	s.say("1. A workspace in full use: may it move?\n\n   workspace  %s\n   target     %s\n\n", s.workspace, s.target)
	p, err := s.plan(ctx, "first")
	if err != nil {
		return err
	}
	for _, f := range p.Findings {
		if f.Severity == rules.Blocker {
			s.say("   blocked by %s: %s\n   -> %s\n\n", f.ID, f.Message, f.Remedy)
		}
	}
	s.say("2. The labeling project comes to its end, and two minutes pass. Everything else that stops a move, the plan takes care of.\n\n")
	if err := s.finishLabeling(ctx); err != nil {
		return err
	}
	_, err = s.client.Do(ctx, http.MethodPost, "/_cloud/clock", "none", map[string]any{"advance": "2m"})
	return err
}

// finishLabeling lets the labeling projects that run come to their end, as their annotators would.
func (s *scene) finishLabeling(ctx context.Context) error {
	version := s.client.Version(ctx, s.workspace.Subscription(), aml.Workspaces+"/labelingJobs")
	var running []string
	err := s.client.List(ctx, s.workspace.String()+"/labelingJobs", version, func(raw json.RawMessage) error {
		doc, err := arm.ParseDocument(raw)
		if err == nil && !aml.JobStatus(doc.Text("properties.status")).Terminal() {
			running = append(running, doc.Text("id"))
		}
		return err
	})
	for _, id := range running {
		for _, verb := range []string{"/pause", "/resume"} {
			if err == nil {
				_, err = s.client.Run(ctx, http.MethodPost, id+verb, version, map[string]any{})
			}
		}
	}
	return err
}

// plan captures the workspace and plans its move.
func (s *scene) plan(ctx context.Context, name string) (*plan.Plan, error) {
	file := filepath.Join(s.dir, name+".snap")
	w, err := snapshot.Create(ctx, file, true)
	if err != nil {
		return nil, err
	}
	if _, err := capture.Run(ctx, capture.Options{Client: s.client, Workspace: s.workspace, Target: s.target, Tool: toolVersion()}, w); err != nil {
		return nil, err
	}
	p, err := plan.Of(ctx, file, demoChoices)
	if err != nil {
		return nil, err
	}
	p.Snapshot.File = filepath.Base(file)
	return p, plan.Write(filepath.Join(s.dir, name+".json"), p, true)
}

// apply carries the plan out and leaves the report.
func (s *scene) apply(ctx context.Context, p *plan.Plan) error {
	f, err := mover.Begin(ctx, mover.Beginning{Root: filepath.Join(s.dir, "runs"), Plan: p, Client: s.client, Now: time.Now, Meta: mover.Meta{Endpoint: s.client.Endpoint(), Tool: toolVersion()}})
	if err != nil {
		return err
	}
	err = applyOptions{yes: true, format: "table"}.drive(ctx, s.streams, f, s.client, (*mover.Run).Forward)
	var status exitStatus
	if errors.As(err, &status) && int(status) == exitWarnings { // what a person has to do is part of the story
		return nil
	}
	return err
}
