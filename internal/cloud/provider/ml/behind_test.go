package ml_test

import (
	"errors"
	"net/url"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/provider"
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

// What goes along with a compute goes as if it were deleted itself: its service has its say, and a lock that came meanwhile holds it and the compute.
func TestWhatGoesWithAComputeGoesAsIfItWereDeleted(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	cluster, compute := group+"/providers/Microsoft.ContainerService/managedClusters/aks", ws+"/computes/k8s"
	entry, err := c.engine.Types.Find("Microsoft.ContainerService/managedClusters")
	must(t, err)
	var gone []string
	entry.Gone = func(call *provider.Call) error { gone = append(gone, call.ID.String()); return nil }
	c.ok("PUT", cluster, `{"location":"eastus","properties":{"dnsPrefix":"x"}}`)
	c.ok("PUT", compute, `{"location":"eastus","properties":{"computeType":"AKS","resourceId":"`+cluster+`","properties":{}}}`)
	c.settle()
	lock := store.Extension{Scope: cluster, Type: "Microsoft.Authorization/locks", Name: "l"}
	must(t, tree.EncodeExtension(&lock, tree.Document{Public: map[string]any{"properties": map[string]any{"level": "CanNotDelete"}}}))
	change := func(fn func(tx store.Tx) error) {
		must(t, c.store.Update(t.Context(), func(tx store.Tx) error { return errors.Join(fn(tx), tx.Bump(t.Context())) }))
	}
	remove := func() {
		t.Helper()
		target, err := arm.ParseTarget(compute)
		must(t, err)
		_, err = c.engine.Do(t.Context(), &control.Request{Method: "DELETE", Target: target, Query: url.Values{"api-version": {"2025-09-01"}, "underlyingResourceAction": {"Delete"}},
			Caller: identity.Caller{ObjectID: principal, TenantID: tenant, ClientID: principal, Kind: identity.ServicePrincipal}})
		must(t, err)
	}
	remove()
	change(func(tx store.Tx) error { return tx.PutExtension(t.Context(), lock) })
	c.settle()
	for _, path := range []string{cluster, compute} {
		if _, err := c.call("GET", path, ""); err != nil || len(gone) > 0 {
			t.Errorf("a locked cluster: %v, gone %v", err, gone)
		}
	}
	change(func(tx store.Tx) error {
		_, err := tx.DropExtensions(t.Context(), store.ExtensionRange{Scope: cluster}, "")
		return err
	})
	remove()
	c.settle()
	for _, path := range []string{cluster, compute} {
		if _, err := c.call("GET", path, ""); !errs.Is(err, errs.NotFound) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if len(gone) != 1 || gone[0] != cluster {
		t.Errorf("the cluster's own service heard of %v", gone)
	}
}
