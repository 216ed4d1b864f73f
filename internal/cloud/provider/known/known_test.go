package known_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider/known"
)

func TestMovableSaysWhatAzuresTableSays(t *testing.T) {
	t.Parallel()
	cases := []struct {
		typ                     arm.Type
		group, subscription, ok bool
	}{
		{"Microsoft.Storage/storageAccounts", true, true, true},
		{"microsoft.keyvault/VAULTS", true, true, true},
		{"Microsoft.Network/bastionHosts", true, false, true},
		{"Microsoft.Network/natGateways", false, false, true},
		{"Microsoft.Web/certificates", false, true, true},
		{"Microsoft.ManagedIdentity/userAssignedIdentities", false, false, true},
		{"Microsoft.MachineLearningServices/workspaces", false, false, true},
		{"Microsoft.Storage/storageAccounts/blobServices", false, false, false},
		{"Contoso.Widgets/widgets", false, false, false},
	}
	for _, c := range cases {
		t.Run(string(c.typ), func(t *testing.T) {
			if group, subscription, ok := known.Movable(c.typ); group != c.group || subscription != c.subscription || ok != c.ok {
				t.Errorf("got %v %v %v, want %v %v %v", group, subscription, ok, c.group, c.subscription, c.ok)
			}
		})
	}
}

func TestTypesAreWellFormedSortedAndThereOnce(t *testing.T) {
	t.Parallel()
	types := known.Types()
	if len(types) < 500 {
		t.Fatalf("got %d types", len(types))
	}
	keys := make([]string, len(types))
	for i, typ := range types {
		keys[i] = typ.Key()
		if !strings.HasPrefix(string(typ), "Microsoft.") || typ.Path() == "" || strings.ContainsAny(string(typ), " ()") || strings.HasSuffix(string(typ), "/") {
			t.Errorf("malformed type %q", typ)
		}
	}
	if !slices.IsSorted(keys) {
		t.Error("the types are not sorted by key")
	}
	if len(slices.Compact(keys)) != len(types) {
		t.Error("a type is there twice")
	}
}
