package replica

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider/keyvault"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// deleted writes the records of soft-deleted vaults, which hold their names (pain 34). A vault that is recovered in the copy comes back with its location and tags alone.
func (l *loading) deleted(ctx context.Context, tx store.Tx) error {
	for _, key := range slices.Sorted(maps.Keys(l.vaults)) {
		body := l.vaults[key]
		id, err := arm.Parse(body.Text("id"))
		if err != nil {
			return fmt.Errorf("the id of a soft-deleted vault: %w", err)
		}
		found, err := l.target.Tree.Resolve(ctx, tx, id.SubscriptionID())
		if err != nil {
			return err
		}
		shown := tree.Object(body, "properties")
		vault := map[string]any{"location": shown["location"], "tags": shown["tags"], "properties": map[string]any{}}
		if err := keyvault.Remember(ctx, tx, l.target.Tree, found.Node, keyvault.Deleted{Name: id.Name(), Shown: shown, Vault: vault, At: l.target.Now()}); err != nil {
			return err
		}
	}
	return nil
}
