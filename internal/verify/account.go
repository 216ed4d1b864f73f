package verify

import (
	"context"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
)

// associated is how results name the resources that moved along with the workspace.
const associated = "associated resources"

// accounts compares the associated resources that moved along (S42).
func (c *comparison) accounts(ctx context.Context) error {
	row := Row{Kind: associated}
	kind := aml.Kind{Path: associated}
	for _, dependency := range aml.Dependencies() {
		there, err := c.index(ctx, dependency.Type, func(id arm.ID, _ arm.Document) string { return id.Key() })
		if err != nil {
			return err
		}
		err = each(ctx, c.before, dependency.Type, func(id arm.ID, was arm.Document) {
			if !c.m.Moves(id) {
				return
			}
			row.Before++
			landing := c.m.ID(id)
			is, ok := there[landing.Key()]
			if !ok {
				row.Missing++
				c.differ(Difference{Kind: row.Kind, What: Missing, Before: id.String(), After: landing.String()})
				return
			}
			row.After++
			c.renamed(id.String(), landing.String())
			c.documents(&row, kind, id.String(), landing.String(), was, is)
		})
		if err != nil {
			return err
		}
	}
	c.row(row)
	return nil
}
