package tree

import (
	"context"
	"slices"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// childPage is how many children are read at once.
const childPage = 500

// Children visits the children of one kind below a found resource, page by page to the end, until visit returns false.
func (t *Tree) Children(ctx context.Context, r store.Reader, parent Found, kind string, visit func(Found) (bool, error)) error {
	container, err := t.Container(ctx, r, parent, kind)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	chunk := store.Range{Type: kind, Limit: childPage}
	for {
		page, err := r.Children(ctx, container, chunk)
		if err != nil {
			return err
		}
		for _, node := range page {
			more, err := visit(Found{Chain: append(slices.Clone(parent.Chain), node), Node: node})
			if err != nil || !more {
				return err
			}
		}
		if len(page) < chunk.Limit {
			return nil
		}
		chunk.AfterType, chunk.AfterName = page[len(page)-1].Type, page[len(page)-1].Name
	}
}
