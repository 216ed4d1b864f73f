package sdk

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/amlmove/amlmove/test/estate"
)

// everyVersion runs a test with each version of armresources on a cloud of its own.
func everyVersion(t *testing.T, test func(t *testing.T, ctx context.Context, e *estate.Estate, source, target resourcesAPI)) {
	for name, of := range map[string]func(*testing.T, *estate.Estate, azcore.TokenCredential, string) resourcesAPI{
		"armresources v1 (2021-04-01)": resourcesV1, "armresources v3 (2025-04-01)": resourcesV3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := estate.Start(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			test(t, ctx, e, of(t, e, e.Credential(), estate.Source), of(t, e, e.Credential(), estate.Target))
		})
	}
}

func TestGroupsProvidersAndListsThroughArmresources(t *testing.T) {
	t.Parallel()
	everyVersion(t, func(t *testing.T, ctx context.Context, e *estate.Estate, source, _ resourcesAPI) {
		if state, err := source.createGroup(ctx, "sdk-rg"); err != nil || state != "Succeeded" {
			t.Errorf("S40 a new group is %q: %v", state, err)
		}
		if there, err := source.groupExists(ctx, "sdk-rg"); err != nil || !there {
			t.Errorf("a group that is there: %v %v", there, err)
		}
		if err := source.deleteGroup(ctx, "sdk-rg"); err != nil {
			t.Errorf("delete a group: %v", err)
		}
		if there, err := source.groupExists(ctx, "sdk-rg"); err != nil || there {
			t.Errorf("a group that was deleted: %v %v", there, err)
		}
		capabilities, err := source.capabilities(ctx, "Microsoft.MachineLearningServices", "workspaces")
		if err != nil || !strings.Contains(capabilities, "CrossSubscriptionResourceMove") {
			t.Errorf("S01 the capabilities of workspaces are %q: %v", capabilities, err)
		}
		all, _, err := source.list(ctx, 1000)
		if err != nil || len(all) < 6 {
			t.Fatalf("the list has %d resources: %v", len(all), err)
		}
		paged, pages, err := source.list(ctx, 2)
		if err != nil || pages < len(all)/2 || !slices.Equal(all, paged) {
			t.Errorf("in pages of 2 there are %d resources on %d pages, at once %d: %v", len(paged), pages, len(all), err)
		}
		if _, err := source.registration(ctx, "Microsoft.Nothing"); code(err) != "InvalidResourceNamespace" {
			t.Errorf("an unknown namespace is %v", err)
		}
	})
}

func TestRegistrationThroughArmresources(t *testing.T) {
	t.Parallel()
	e := estate.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, bare := range []resourcesAPI{resourcesV1(t, e, e.Credential(), estate.Bare), resourcesV3(t, e, e.Credential(), estate.Bare)} {
		if err := bare.register(ctx, "Microsoft.KeyVault"); err != nil {
			t.Fatal(err)
		}
		e.Settle(t)
		if state, err := bare.registration(ctx, "Microsoft.KeyVault"); err != nil || state != "Registered" {
			t.Errorf("S17 after the registration: %q %v", state, err)
		}
	}
}

func TestAMoveThroughArmresources(t *testing.T) {
	t.Parallel()
	everyVersion(t, func(t *testing.T, ctx context.Context, e *estate.Estate, source, target resourcesAPI) {
		ids := append([]string{estate.Workspace}, estate.Associated...)
		if err := source.validate(ctx, "origin-rg", estate.DestinationGroup, ids); err != nil {
			t.Fatalf("S41 validate: %v", err)
		}
		if err := source.move(ctx, "origin-rg", estate.DestinationGroup, ids); err != nil {
			t.Fatalf("S43 move: %v", err)
		}
		there, _, err := target.list(ctx, 3)
		for _, id := range ids {
			if moved := estate.Moved(id, estate.DestinationGroup); err != nil || !slices.Contains(there, moved) {
				t.Errorf("S42 %s is not at the destination: %v %v", moved, there, err)
			}
		}
	})
}

func TestTheErrorOfAMoveThroughArmresources(t *testing.T) {
	t.Parallel()
	everyVersion(t, func(t *testing.T, ctx context.Context, e *estate.Estate, source, _ resourcesAPI) {
		compute := estate.Workspace + "/computes/cpu"
		e.Make(t, compute, `{"location":"eastus","properties":{"computeType":"AmlCompute","properties":{"vmSize":"Standard_DS2_v2","scaleSettings":{"minNodeCount":0,"maxNodeCount":1}}}}`)
		before := e.Digest(t)
		for name, order := range map[string]func(context.Context, string, string, []string) error{"validate": source.validate, "move": source.move} {
			err := order(ctx, "origin-rg", estate.DestinationGroup, []string{estate.Workspace})
			refused, ok := errors.AsType[*azcore.ResponseError](err)
			if !ok || refused.StatusCode != http.StatusConflict || refused.ErrorCode != "ResourceMoveProviderValidationFailed" {
				t.Fatalf("S09 %s of a workspace with a compute: %v", name, err)
			}
			body, _ := io.ReadAll(refused.RawResponse.Body)
			if !strings.Contains(string(body), compute) || !strings.Contains(err.Error(), compute) {
				t.Errorf("S09 the error of %s does not name %s: %v: %s", name, compute, err, body)
			}
			if err := order(ctx, "origin-rg", estate.OriginGroup, []string{estate.Workspace}); code(err) != "InvalidMoveTarget" {
				t.Errorf("a move to where it is: %v", err)
			}
		}
		e.Unchanged(t, "S09", before)
	})
}

// code is the error code of an SDK's error.
func code(err error) string {
	if refused, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return refused.ErrorCode
	}
	return ""
}
