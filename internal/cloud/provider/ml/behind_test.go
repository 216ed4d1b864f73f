package ml_test

import (
	"net/url"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// Whoever may write one workspace attaches what is somebody else's and deletes the compute with what is behind it (S31): neither a group, nor a cluster that the caller may not
// delete, nor one that is locked goes with it.
func TestOnlyWhatTheCallerMayDeleteGoesWithACompute(t *testing.T) {
	c := withWorkspace(t)
	const limited, contributor = "99999999-9999-9999-9999-999999999999", "b24988ac-6180-42a0-ab88-20f7382dd24c"
	group := sub + "/resourceGroups/target-rg"
	cluster := group + "/providers/Microsoft.ContainerService/managedClusters/aks"
	c.ok("PUT", cluster, `{"location":"eastus","properties":{"dnsPrefix":"x"}}`)
	c.settle()
	bind := func(scope, typ, name string, properties map[string]any) {
		t.Helper()
		must(t, c.store.Update(t.Context(), func(tx store.Tx) error {
			e := store.Extension{Scope: scope, Type: typ, Name: name}
			if err := tree.EncodeExtension(&e, tree.Document{Public: map[string]any{"properties": properties}}); err != nil {
				return err
			}
			if err := tx.PutExtension(t.Context(), e); err != nil {
				return err
			}
			return tx.Bump(t.Context())
		}))
	}
	grant := func(scope, name string) {
		bind(scope, "Microsoft.Authorization/roleAssignments", name, map[string]any{"principalId": limited, "principalType": "ServicePrincipal",
			"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + contributor})
	}
	do := func(method, path, body string, query url.Values) error {
		target, err := arm.ParseTarget(path)
		must(t, err)
		query.Set("api-version", "2025-09-01")
		_, err = c.engine.Do(t.Context(), &control.Request{Method: method, Target: target, Query: query, Body: []byte(body),
			Caller: identity.Caller{ObjectID: limited, TenantID: tenant, ClientID: limited, Kind: identity.ServicePrincipal}})
		return err
	}
	attach := func(kind, behind string) error {
		err := do("PUT", ws+"/computes/k8s", `{"location":"eastus","properties":{"computeType":"`+kind+`","resourceId":"`+behind+`","properties":{}}}`, url.Values{})
		c.settle()
		return err
	}
	remove := func() error {
		return do("DELETE", ws+"/computes/k8s", "", url.Values{"underlyingResourceAction": {"Delete"}})
	}
	there := func(path string) {
		t.Helper()
		c.settle()
		if _, err := c.call("GET", path, ""); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	grant(ws, "33333333-3333-3333-3333-333333333334")
	if err := attach("Kubernetes", group); !errs.Is(err, errs.Invalid) {
		t.Errorf("a group was attached: %v", err)
	}
	must(t, attach("Kubernetes", group+"/providers/Microsoft.Storage/storageAccounts/none"))
	must(t, remove())
	c.settle()
	must(t, attach("AKS", cluster))
	if err := remove(); !errs.Is(err, errs.Denied) {
		t.Errorf("without a right: %v", err)
	}
	there(cluster)
	grant(group, "33333333-3333-3333-3333-333333333335")
	bind(group, "Microsoft.Authorization/locks", "l", map[string]any{"level": "CanNotDelete"})
	if err := remove(); errs.As(err) == nil || errs.As(err).Code != "ScopeLocked" {
		t.Errorf("under a lock: %v", err)
	}
	there(cluster)
}
