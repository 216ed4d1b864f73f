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

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/spf13/cobra"

	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/folder"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
	"github.com/amlmove/amlmove/internal/errs"
)

func newDemo(s streams) *cobra.Command {
	return &cobra.Command{
		Use: "demo", Short: "A workspace moves in an embedded cloud, and what that breaks, in under a minute", Args: cobra.NoArgs,
		Long: `Start an embedded cloud with a realistic workspace, ask whether it can move while it is in use, move it drained, with its associated resources, and show
what came along and what did not. Everything happens on this machine, in a temporary folder. The mover, which brings back what does not travel, is not in this version yet.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			began := time.Now()
			if err := inUse(cmd.Context(), s); err != nil {
				return err
			}
			if err := drained(cmd.Context(), s); err != nil {
				return err
			}
			_, err := fmt.Fprintf(s.out, "\nDone in %.1f s. Look around yourself:  amlmove cloud up --detach && amlmove cloud az -- resource list -o table\n", time.Since(began).Seconds())
			return err
		},
	}
}

// stage is an embedded cloud of the demo and a client on it.
type stage struct {
	streams
	cloud     *cloud.Cloud
	client    *azure.Client
	workspace arm.ID
	target    arm.ID // group
}

// onStage runs a part of the demo on a fresh cloud with a fixture.
func onStage(ctx context.Context, s streams, world string, play func(context.Context, *stage) error) (err error) {
	dir, err := os.MkdirTemp("", "amlmove-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	st, err := sqlite.Open(ctx, filepath.Join(dir, folder.DatabaseFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	c, err := cloud.Start(ctx, cloud.Options{Store: st})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	summary, err := fixture.Load(ctx, fixture.Target{Store: st, Tree: c.Tree, Types: cloud.Types(), Now: time.Now}, world, fixture.Options{Scale: 1})
	if err != nil {
		return err
	}
	client, err := clientOf(c, summary)
	if err != nil {
		return err
	}
	scene := &stage{streams: s, cloud: c, client: client}
	if err := scene.find(ctx, summary); err != nil {
		return err
	}
	return play(ctx, scene)
}

// clientOf signs in to an embedded cloud as its client.
func clientOf(c *cloud.Cloud, s fixture.Summary) (*azure.Client, error) {
	options := policy.ClientOptions{Transport: c.Client(), Cloud: azcloud.Configuration{ActiveDirectoryAuthorityHost: c.Base(),
		Services: map[azcloud.ServiceName]azcloud.ServiceConfiguration{azcloud.ResourceManager: {Endpoint: c.Base(), Audience: c.Base()}}}}
	credential, err := azidentity.NewClientSecretCredential(s.TenantID, s.Client.ClientID, s.Client.ClientSecret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	if err != nil {
		return nil, err
	}
	return azure.New(azure.Options{Endpoint: c.Base(), Credential: credential, Client: options})
}

// Versions of the APIs that the demo speaks.
const (
	resourcesVersion = "2021-04-01"
	mlVersion        = "2024-04-01"
	roleVersion      = "2022-04-01"
)

// find looks for the workspace in the first subscription and for a group of its region in the second.
func (s *stage) find(ctx context.Context, summary fixture.Summary) error {
	subs := summary.Subscriptions
	location := ""
	list := "/subscriptions/" + subs[0].ID + "/providers/" + string(aml.Workspaces)
	err := s.client.List(ctx, list, mlVersion, func(raw json.RawMessage) error {
		var doc struct{ ID, Location string }
		err := json.Unmarshal(raw, &doc)
		if err == nil && s.workspace == nil {
			s.workspace, err = arm.Parse(doc.ID)
			location = doc.Location
		}
		return err
	})
	if err != nil {
		return err
	}
	err = s.client.List(ctx, "/subscriptions/"+subs[1].ID+"/resourcegroups", resourcesVersion, func(raw json.RawMessage) error {
		var doc struct{ ID, Location string }
		err := json.Unmarshal(raw, &doc)
		if err == nil && s.target == nil && doc.Location == location {
			s.target, err = arm.Parse(doc.ID)
		}
		return err
	})
	if err == nil && (s.workspace == nil || s.target == nil) {
		err = errs.New(errs.Internal, "DemoWorld", "the demo's world has no workspace to move or no group to move it to")
	}
	return err
}

// inUse shows why a workspace in use cannot move.
func inUse(ctx context.Context, s streams) error {
	return onStage(ctx, s, "contoso", func(ctx context.Context, scene *stage) error {
		scene.say("1. A workspace in full use: may it move?\n\n   workspace  %s\n   target     %s\n", scene.workspace, scene.target)
		_, err := scene.client.Run(ctx, http.MethodPost, scene.workspace.GroupID().String()+"/validateMoveResources", resourcesVersion,
			map[string]any{"resources": []string{scene.workspace.String()}, "targetResourceGroup": scene.target.String()})
		trouble := errs.As(err)
		if trouble == nil || trouble.Kind != errs.Conflict {
			return fmt.Errorf("the validation of a workspace in use was not refused: %w", err)
		}
		scene.say("   refused: %s\n", trouble.Code)
		for _, detail := range trouble.Details {
			scene.say("   - %s\n", detail.Message)
		}
		return nil
	})
}

// drained moves a drained workspace and shows what became of it.
func drained(ctx context.Context, s streams) error {
	return onStage(ctx, s, "contoso-quiet", func(ctx context.Context, scene *stage) error {
		scene.say("\n2. The same workspace, drained as Azure's page demands, moves with its associated resources.\n\n")
		before, err := scene.census(ctx, scene.workspace)
		if err != nil {
			return err
		}
		together, err := scene.together(ctx)
		if err != nil {
			return err
		}
		began := time.Now()
		order := map[string]any{"resources": together, "targetResourceGroup": scene.target.String()}
		if _, err := scene.client.Run(ctx, http.MethodPost, scene.workspace.GroupID().String()+"/moveResources", resourcesVersion, order); err != nil {
			return err
		}
		moved := scene.target.Child(scene.workspace[2])
		scene.say("   %d resources moved in %.1f s (most of it polling):\n   -> %s\n\n", len(together), time.Since(began).Seconds(), moved)
		after, err := scene.census(ctx, moved)
		if err != nil {
			return err
		}
		return scene.compare(ctx, before, after)
	})
}

// together lists the workspace and what it names and can travel with it (S42).
func (s *stage) together(ctx context.Context) ([]string, error) {
	doc, err := s.client.Get(ctx, s.workspace.String(), mlVersion)
	if err != nil {
		return nil, err
	}
	ids := []string{s.workspace.String()}
	properties, _ := doc["properties"].(map[string]any)
	for _, dependency := range aml.Dependencies() {
		name := dependency.Property[len("properties."):]
		if text, ok := properties[name].(string); ok && text != "" {
			ids = append(ids, text)
		}
	}
	return ids, nil
}

// census is what the demo counts of a workspace.
type census struct {
	counts                      map[string]int
	roles                       int
	pending, stale, nondefaults int
	storage                     string
}

// kindsShown are the kinds that the demo counts.
var kindsShown = []string{"datastores", "data", "jobs", "environments", "models", "components", "schedules", "connections"}

func (s *stage) census(ctx context.Context, workspace arm.ID) (census, error) {
	c := census{counts: map[string]int{}}
	for _, kind := range kindsShown {
		err := s.client.List(ctx, workspace.String()+"/"+kind+"?listViewType=All", mlVersion, func(json.RawMessage) error { c.counts[kind]++; return nil })
		if err != nil {
			return c, err
		}
	}
	for _, look := range []func(context.Context, arm.ID, *census) error{s.countRoles, s.countPending, s.countStale} {
		if err := look(ctx, workspace, &c); err != nil {
			return c, err
		}
	}
	doc, err := s.client.Get(ctx, workspace.String(), mlVersion)
	if err == nil {
		properties, _ := doc["properties"].(map[string]any)
		c.storage, _ = properties["storageAccount"].(string)
	}
	return c, err
}

func (s *stage) countRoles(ctx context.Context, workspace arm.ID, c *census) error {
	path := workspace.String() + "/providers/Microsoft.Authorization/roleAssignments?$filter=atExactScope()"
	return s.client.List(ctx, path, roleVersion, func(json.RawMessage) error { c.roles++; return nil })
}

func (s *stage) countPending(ctx context.Context, workspace arm.ID, c *census) error {
	return s.client.List(ctx, workspace.String()+"/privateEndpointConnections", mlVersion, func(raw json.RawMessage) error {
		var doc struct {
			Properties struct {
				PrivateLinkServiceConnectionState struct{ Status string }
			}
		}
		err := json.Unmarshal(raw, &doc)
		if doc.Properties.PrivateLinkServiceConnectionState.Status == "Pending" {
			c.pending++
		}
		return err
	})
}

func (s *stage) countStale(ctx context.Context, workspace arm.ID, c *census) error {
	return s.client.List(ctx, workspace.String()+"/datastores", mlVersion, func(raw json.RawMessage) error {
		var doc struct {
			Name       string
			Properties struct{ SubscriptionID string }
		}
		err := json.Unmarshal(raw, &doc)
		if !aml.IsSystemDatastore(doc.Name) {
			c.nondefaults++
			if doc.Properties.SubscriptionID != workspace.Subscription() {
				c.stale++
			}
		}
		return err
	})
}

// compare shows before and after side by side. What the seed says must come along and did not is a failure of the cloud.
func (s *stage) compare(_ context.Context, before, after census) error {
	s.say("   %-42s %8s %8s\n", "", "before", "after")
	for _, kind := range kindsShown {
		note := ""
		found, known := aml.FindKind(kind)
		if known && found.Fate == aml.Dropped {
			note = "  not moved: register again (S05)"
		} else if before.counts[kind] != after.counts[kind] {
			return errs.New(errs.Internal, "DemoLoss", "the move lost %s: %d before, %d after", kind, before.counts[kind], after.counts[kind])
		}
		s.say("   %-42s %8d %8d%s\n", kind, before.counts[kind], after.counts[kind], note)
	}
	s.say("   %-42s %8d %8d  orphaned at the old id: make again (S16)\n", "role assignments on the workspace", before.roles, after.roles)
	s.say("   %-42s %8d %8d  approve them (S24)\n", "private endpoint connections pending", before.pending, after.pending)
	s.say("   %-42s %8s %8d  of %d nondefault ones: update them (S45)\n", "datastores that name another subscription", "-", after.stale, after.nondefaults)
	s.say("   the workspace's storage account is now\n   %s\n", after.storage)
	return nil
}

// say prints a line of the story.
func (s *stage) say(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format, args...) }
