package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/move"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// benchMoves measures the window in which a move holds everything else off: the transaction that checks, moves and unlocks.
func benchMoves(ctx context.Context, sizes string) error {
	var windows []time.Duration
	var counts []int
	for text := range strings.SplitSeq(sizes, ",") {
		count, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("-sizes: %w", err)
		}
		window, err := moveWindow(ctx, count)
		if err != nil {
			return fmt.Errorf("%d assets: %w", count, err)
		}
		counts, windows = append(counts, count), append(windows, window)
		fmt.Printf("%9d assets: the move's transaction takes %.2f ms (median of %d)\n", count, window.Seconds()*1000, moveRounds)
	}
	fmt.Printf("\n  %d assets against %d: %.2f (aim 1.2 at most, below 10 ms)\n", counts[len(counts)-1], counts[0], float64(windows[len(windows)-1])/float64(windows[0]))
	return nil
}

// moveRounds is how often a workspace moves there and back.
const moveRounds = 11

// moveWindow fills a workspace with assets and moves it to and fro.
func moveWindow(ctx context.Context, count int) (time.Duration, error) {
	dir, err := os.MkdirTemp("", "amlmove-bench-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := sqlite.Open(ctx, filepath.Join(dir, "cloud.db"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = s.Close() }()
	types := cloud.Types()
	t, err := tree.Open(ctx, s, types.Slotted()...)
	if err != nil {
		return 0, err
	}
	clock := operation.NewClock(time.Now)
	engine := control.New(control.Options{Store: s, Tree: t, Types: types, Clock: clock, Base: func() string { return "https://bench" }, Log: slog.New(slog.DiscardHandler)})
	runner := operation.NewRunner(s, clock, move.Register(engine, nil), slog.New(slog.DiscardHandler))
	summary, err := fixture.Load(ctx, fixture.Target{Store: s, Tree: t, Types: types, Now: time.Now}, "contoso-quiet", fixture.Options{Scale: 1})
	if err != nil {
		return 0, err
	}
	b := moveBench{engine: engine, runner: runner, store: s, tree: t, caller: identity.Caller{ObjectID: summary.Client.ObjectID, ClientID: summary.Client.ClientID, TenantID: summary.TenantID, Kind: identity.ServicePrincipal}}
	if err := b.find(ctx, summary); err != nil {
		return 0, err
	}
	if err := b.fill(ctx, count); err != nil {
		return 0, err
	}
	return b.rounds(ctx)
}

// moveBench is one workspace that moves between two groups.
type moveBench struct {
	engine    *control.Engine
	runner    *operation.Runner
	store     store.Store
	tree      *tree.Tree
	caller    identity.Caller
	workspace arm.ID
	other     arm.ID
}

func (b *moveBench) find(ctx context.Context, summary fixture.Summary) error {
	source, target := summary.Subscriptions[0].ID, summary.Subscriptions[1].ID
	resp, err := b.do(ctx, http.MethodGet, "/subscriptions/"+source+"/providers/Microsoft.MachineLearningServices/workspaces", nil)
	if err != nil {
		return err
	}
	var list struct {
		Value []struct{ ID, Location string }
	}
	if err := json.Unmarshal(resp.Body, &list); err != nil {
		return err
	}
	if b.workspace, err = arm.Parse(list.Value[0].ID); err != nil {
		return err
	}
	if b.other, err = arm.Parse("/subscriptions/" + target + "/resourceGroups/bench-rg"); err != nil {
		return err
	}
	_, err = b.do(ctx, http.MethodPut, b.other.String(), map[string]string{"location": list.Value[0].Location})
	return err
}

func (b *moveBench) do(ctx context.Context, method, path string, body any) (control.Response, error) {
	target, err := arm.ParseTarget(path)
	if err != nil {
		return control.Response{}, err
	}
	data, err := json.Marshal(body)
	if err != nil {
		return control.Response{}, err
	}
	return b.engine.Do(ctx, &control.Request{Method: method, Target: target, Query: url.Values{}, Body: data, Caller: b.caller})
}

// fill adds ended jobs, the children of which a workspace has most.
func (b *moveBench) fill(ctx context.Context, count int) error {
	const batch = 5000
	body := []byte(`{"properties":{"jobType":"Command","status":"Completed","displayName":"bench","experimentName":"bench","command":"python train.py","environmentId":"azureml:sklearn:1"}}`)
	for from := 0; from < count; from += batch {
		err := b.store.Update(ctx, func(tx store.Tx) error {
			found, err := b.tree.Resolve(ctx, tx, b.workspace)
			if err != nil {
				return err
			}
			var nodes []*store.Node
			for n := from; n < min(from+batch, count); n++ {
				nodes = append(nodes, &store.Node{Parent: found.Node.ID, Type: "jobs", Name: fmt.Sprintf("bench-%07d", n), ETag: `"1"`, Body: body, Created: time.Now(), Changed: time.Now()})
			}
			return tx.Insert(ctx, nodes...)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rounds moves the workspace to and fro and times the transaction of each move.
func (b *moveBench) rounds(ctx context.Context) (time.Duration, error) {
	var took []time.Duration
	for range moveRounds {
		from := b.workspace.GroupID()
		order := map[string]any{"resources": []string{b.workspace.String()}, "targetResourceGroup": b.other.String()}
		if _, err := b.do(ctx, http.MethodPost, from.String()+"/moveResources", order); err != nil {
			return 0, err
		}
		began := time.Now()
		done, err := b.runner.RunDue(ctx)
		took = append(took, time.Since(began))
		if err != nil || !done {
			return 0, fmt.Errorf("the move did not run: %w", err)
		}
		moved := b.other.Child(b.workspace[2])
		if _, err := b.do(ctx, http.MethodGet, moved.String(), nil); err != nil {
			return 0, fmt.Errorf("the workspace is not at the target: %w", err)
		}
		b.workspace, b.other = moved, from
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
