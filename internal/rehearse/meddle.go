package rehearse

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
)

// What other people do happens past the rights of whoever rehearses: directly in the store of the copy.

// place puts resources into the copy, parents first.
func (s *stage) place(ctx context.Context, ids []arm.ID, bodies ...map[string]any) error {
	for i, id := range ids {
		err := s.cloud.Store.Update(ctx, func(tx store.Tx) error {
			if _, err := s.cloud.Tree.Resolve(ctx, tx, id); err == nil {
				return nil
			}
			doc := control.Imported{ID: id, Doc: tree.Document{Public: tree.Clone(bodies[i]), Private: map[string]any{}}}
			if _, err := control.Import(ctx, tx, s.cloud.Tree, cloud.Types(), s.clock.Now(), doc); err != nil {
				return err
			}
			return tx.Bump(ctx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// remove takes a resource out of the copy.
func (s *stage) remove(ctx context.Context, id arm.ID) error {
	return s.cloud.Store.Update(ctx, func(tx store.Tx) error {
		found, err := s.cloud.Tree.Resolve(ctx, tx, id)
		if errs.Is(err, errs.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := tx.Trash(ctx, found.Node.ID); err != nil {
			return err
		}
		return tx.Bump(ctx)
	})
}

// others is the group of somebody else in the subscription of the target, and what is in it.
func others(p *plan.Plan) (group, workspace, hoard arm.ID, err error) {
	_, target, err := ends(p)
	if err != nil {
		return nil, nil, nil, err
	}
	group = target.SubscriptionID().Child(arm.Hop{Type: arm.ResourceGroups, Name: "amlmove-somebody-else-rg"})
	workspace = group.Child(arm.Hop{Namespace: aml.Namespace, Type: "workspaces", Name: "somebody-else"})
	return group, workspace, workspace.Child(arm.Hop{Type: "computes", Name: "hoard-0"}), nil
}

// takeQuota uses up the cores of every machine size that the plan makes again.
func takeQuota(ctx context.Context, s *stage, p *plan.Plan) error {
	group, workspace, _, err := others(p)
	if err != nil {
		return err
	}
	location := map[string]any{"location": p.Location, "properties": map[string]any{"provisioningState": "Succeeded"}}
	if err := s.place(ctx, []arm.ID{group, workspace}, location, location); err != nil {
		return err
	}
	sizes, err := s.sizes(ctx, p)
	if err != nil {
		return err
	}
	n := 0
	for size := range sizes {
		hoard := workspace.Child(arm.Hop{Type: "computes", Name: "hoard-" + string(rune('0'+n%10))})
		n++
		err := s.place(ctx, []arm.ID{hoard}, map[string]any{"location": p.Location, "properties": map[string]any{"computeType": aml.ComputeCluster, "provisioningState": "Succeeded",
			"properties": map[string]any{"vmSize": size, "vmPriority": "Dedicated", "scaleSettings": map[string]any{"minNodeCount": json.Number("0"), "maxNodeCount": json.Number("100000")}}}})
		if err != nil {
			return err
		}
	}
	return nil
}

// sizes are the machine sizes of what the plan makes again.
func (s *stage) sizes(ctx context.Context, p *plan.Plan) (map[string]bool, error) {
	sizes := map[string]bool{}
	for _, step := range p.Steps {
		if step.Action != plan.RestoreCompute && step.Action != plan.RestoreDeployment {
			continue
		}
		doc, err := s.original(ctx, step.Subject)
		if err != nil {
			return nil, err
		}
		for _, path := range []string{"properties.properties.vmSize", "properties.instanceType"} {
			if size := doc.Text(path); size != "" {
				sizes[size] = true
			}
		}
	}
	return sizes, nil
}

// freeQuota gives back what takeQuota took.
func freeQuota(ctx context.Context, s *stage, p *plan.Plan) error {
	_, workspace, _, err := others(p)
	if err != nil {
		return err
	}
	return s.remove(ctx, workspace)
}

// notAllowedTypes is Azure's built-in policy "Not allowed resource types".
const notAllowedTypes = "/providers/Microsoft.Authorization/policyDefinitions/6c112d4e-5bc7-47ae-a041-ea2d9dccd749"

// assignment is the policy assignment of somebody else at the target.
func assignment(p *plan.Plan) (store.Extension, error) {
	_, target, err := ends(p)
	return store.Extension{Scope: target.SubscriptionID().String(), Type: string(aml.PolicyAssignments), Name: "amlmove-somebody-else"}, err
}

// forbidComputes assigns a policy that forbids what the plan makes again.
func forbidComputes(ctx context.Context, s *stage, p *plan.Plan) error {
	ext, err := assignment(p)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	ext.ETag, ext.Created, ext.Changed = "somebody else", now, now
	types := []any{string(aml.Workspaces) + "/computes", string(aml.Workspaces) + "/onlineEndpoints", string(aml.Workspaces) + "/batchEndpoints", string(aml.Workspaces) + "/data/versions"}
	doc := tree.Document{Public: map[string]any{"properties": map[string]any{"displayName": "No machines here", "policyDefinitionId": notAllowedTypes, "enforcementMode": "Default",
		"parameters": map[string]any{"listOfResourceTypesNotAllowed": map[string]any{"value": types}}}}}
	if err := tree.EncodeExtension(&ext, doc); err != nil {
		return err
	}
	return s.cloud.Store.Update(ctx, func(tx store.Tx) error {
		if err := tx.PutExtension(ctx, ext); err != nil {
			return err
		}
		return tx.Bump(ctx)
	})
}

// allowComputes takes the policy away again.
func allowComputes(ctx context.Context, s *stage, p *plan.Plan) error {
	ext, err := assignment(p)
	if err != nil {
		return err
	}
	return s.cloud.Store.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.DropExtensions(ctx, store.ExtensionRange{Scope: ext.Scope, Type: ext.Type}, ext.Name); err != nil {
			return err
		}
		return tx.Bump(ctx)
	})
}

// foreignMove moves an account of somebody else out of the target group: both groups are locked meanwhile.
func foreignMove(ctx context.Context, s *stage, p *plan.Plan) error {
	group, _, _, err := others(p)
	if err != nil {
		return err
	}
	_, target, err := ends(p)
	if err != nil {
		return err
	}
	account := target.Child(arm.Hop{Namespace: "Microsoft.Storage", Type: "storageAccounts", Name: "amlmovesomebodyelse"})
	place := map[string]any{"location": p.Location, "properties": map[string]any{"provisioningState": "Succeeded"}}
	if err := s.place(ctx, []arm.ID{group, account}, place, place); err != nil {
		return err
	}
	_, err = s.client.Do(ctx, http.MethodPost, target.String()+"/moveResources", "2021-04-01", map[string]any{"resources": []string{account.String()}, "targetResourceGroup": group.String()})
	return err
}

// late is the compute that a person makes in the workspace at the wrong time.
func late(p *plan.Plan) (arm.ID, error) {
	workspace, _, err := ends(p)
	return workspace.Child(arm.Hop{Type: "computes", Name: "made-meanwhile"}), err
}

func makeCompute(ctx context.Context, s *stage, p *plan.Plan) error {
	id, err := late(p)
	if err != nil {
		return err
	}
	return s.place(ctx, []arm.ID{id}, map[string]any{"location": p.Location, "properties": map[string]any{"computeType": aml.ComputeCluster, "provisioningState": "Succeeded",
		"properties": map[string]any{"vmSize": "Standard_DS3_v2", "scaleSettings": map[string]any{"minNodeCount": json.Number("0"), "maxNodeCount": json.Number("1")}}}})
}

func dropCompute(ctx context.Context, s *stage, p *plan.Plan) error {
	id, err := late(p)
	if err != nil {
		return err
	}
	return s.remove(ctx, id)
}
