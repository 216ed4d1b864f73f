package plan

import (
	"context"
	"errors"

	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// Of makes the plan of a snapshot: its facts, what the rules find, and the steps.
func Of(ctx context.Context, file string, choices rules.Choices) (p *Plan, err error) {
	snap, err := snapshot.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	f, err := facts.Read(ctx, snap)
	if err != nil {
		return nil, err
	}
	if p, err = Make(f, rules.Judge(f, choices), choices); err != nil {
		return nil, err
	}
	p.Snapshot = Source{File: file, Digest: snap.Header.Digest, Taken: snap.Header.Begun}
	return p, nil
}
