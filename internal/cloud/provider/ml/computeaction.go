package ml

import (
	"fmt"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// listComputeKeys answers with the secrets of a compute, by its type.
func listComputeKeys(c *provider.Call) (any, error) {
	const inner = "properties.properties."
	switch kind := tree.Text(c.Props(), "computeType"); kind {
	case aml.ComputeAKS:
		return object("computeType", kind, "userKubeConfig", kubeConfig(c, "user"), "adminKubeConfig", kubeConfig(c, "admin"), "imagePullSecretName", "amlpull"), nil
	case aml.ComputeDatabricks:
		return object("computeType", kind, "databricksAccessToken", kept(c.Doc, inner+"databricksAccessToken")), nil
	case aml.ComputeVM, aml.ComputeHDInsight:
		return object("computeType", aml.ComputeVM, "administratorAccount", object("username", tree.Get(c.Doc.Public, inner+"administratorAccount.username"),
			"password", kept(c.Doc, inner+"administratorAccount.password"), "publicKeyData", tree.Get(c.Doc.Public, inner+"administratorAccount.publicKeyData"),
			"privateKeyData", kept(c.Doc, inner+"administratorAccount.privateKeyData"))), nil
	default:
		return nil, provider.Invalid("BadRequest", "the compute '%s' is of type '%s', which has no keys to list.", c.ID.Name(), kind)
	}
}

func kubeConfig(c *provider.Call, user string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Config\nclusters:\n- name: %s\nusers:\n- name: %s\n", c.ID.Name(), user)
}

// listNodes answers with the nodes of a cluster.
func listNodes(c *provider.Call) (any, error) {
	if kind := tree.Text(c.Props(), "computeType"); kind != aml.ComputeCluster {
		return nil, provider.Invalid("BadRequest", "the compute '%s' is of type '%s': only an AmlCompute has nodes to list.", c.ID.Name(), kind)
	}
	nodes := []any{}
	for i := range number(tree.Get(c.Doc.Public, "properties.properties.currentNodeCount"), 0) {
		nodes = append(nodes, object("nodeId", fmt.Sprintf("tvmps_%s_%d", strings.ToLower(c.ID.Name()), i), "privateIpAddress", fmt.Sprintf("10.0.%d.%d", i/250, i%250+4),
			"publicIpAddress", nil, "port", 50000+i, "nodeState", "idle", "runId", nil))
	}
	return object("nodes", nodes), nil
}

// instanceOnly refuses verbs that only a compute instance has.
func instanceOnly(c *provider.Call) error {
	if kind := tree.Text(c.Props(), "computeType"); kind != aml.ComputeInstance {
		return provider.Invalid("BadRequest", "the compute '%s' is of type '%s' and not a ComputeInstance.", c.ID.Name(), kind)
	}
	return nil
}

func updateIdleShutdown(c *provider.Call) (any, error) {
	if err := instanceOnly(c); err != nil {
		return nil, err
	}
	text, ok := c.Body["idleTimeBeforeShutdown"].(string)
	if !ok {
		return nil, provider.Invalid("ValidationError", "the property 'idleTimeBeforeShutdown' is required and must be a string.").At("idleTimeBeforeShutdown")
	}
	tree.Set(c.Doc.Public, "properties.properties.idleTimeBeforeShutdown", text)
	c.Changed = true
	return object(), nil
}

// instanceNameType is the type of the hidden topmost nodes that make the names of compute instances unique in a region (other computes are not).
const instanceNameType = "!instanceName"

// claimInstance takes the name of a compute instance in its region. A claim names the workspace by store id and is void once the instance is gone
// from it, so nobody has to give it back.
func claimInstance(c *provider.Call) error {
	name := provider.Region(c.Location()) + "|" + c.ID.Name()
	nodes, err := c.Tx.Walk(c.Ctx, store.Root, []store.Step{{Type: instanceNameType, Name: name}})
	if err != nil {
		return err
	}
	body := fmt.Appendf(nil, "%d", c.Found.Chain[rootDepth].ID)
	if len(nodes) == 0 {
		return c.Tx.Insert(c.Ctx, &store.Node{Parent: store.Root, Type: instanceNameType, Name: name, Body: body, Created: c.Now, Changed: c.Now})
	}
	held, err := c.Tx.Hold(c.Ctx, store.Exclusive, nodes[0].ID)
	if err != nil {
		return err
	}
	live, err := instanceLives(c, held[0])
	if err != nil {
		return err
	}
	if live {
		return provider.Conflict("ComputeNameAlreadyInUse", "The specified compute instance name '%s' is already in use in the region '%s'. Please choose another name.",
			c.ID.Name(), provider.Region(c.Location()))
	}
	held[0].Body, held[0].Changed = body, c.Now
	return c.Tx.Save(c.Ctx, held[0])
}

// instanceLives reports whether the instance that a claim stands for is still there.
func instanceLives(c *provider.Call, claim store.Node) (bool, error) {
	var workspace store.ID
	if _, err := fmt.Sscanf(string(claim.Body), "%d", &workspace); err != nil {
		return false, errs.Wrap(errs.Internal, "StoredDocumentDamaged", err, "read the claim %s", claim.Name)
	}
	found, err := c.Tree.FindNode(c.Ctx, c.Tx, workspace)
	if err != nil {
		return false, notFoundAsNone(err)
	}
	_, name, _ := strings.Cut(claim.Name, "|")
	nodes, err := c.Tx.Walk(c.Ctx, found.Node.ID, []store.Step{{Type: "computes", Name: name}})
	if err != nil || len(nodes) == 0 {
		return false, err
	}
	doc, err := c.Tree.Decode(c.Ctx, c.Tx, tree.Found{Chain: append(found.Chain[:len(found.Chain):len(found.Chain)], nodes[0]), Node: nodes[0]})
	return err == nil && tree.Text(doc.Public, "properties.computeType") == aml.ComputeInstance, err
}
