package rules

import (
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
)

// lossRules are about what is lost with a compute or endpoint, or must be supplied again.
func lossRules() []Rule {
	return []Rule{
		{ID: "ML065", Clauses: []string{"pain 25", "D2"}, Title: "Nobody loses the disk of a compute instance unasked",
			Why:    "With the instance its disk goes: installed packages, and files outside of the workspace's file share (notebooks live in the share and survive).",
			Remedy: "let the owner save what is on the disk, then say --accept-instance-loss", Judge: instanceDisks},
		{ID: "ML066", Clauses: []string{"pain 25"}, Title: "Compute instances have an assigned user",
			Why:    "Only its creator or its assigned user may use an instance. Without an assigned user it would belong to whoever runs the plan: it is assigned to its maker, where the service tells who that is.",
			Remedy: "set personalComputeInstanceSettings.assignedUser after the move, or let the owner make the instance again", Judge: unassigned},
		{ID: "ML067", Clauses: []string{"aml-contract 4", "pain 37"}, Title: "The administrator of a cluster's nodes may have a password that nobody reads",
			Why:    "The service never tells the password of userAccountCredentials. A public key is made again; a password is not.",
			Remedy: "sign in to nodes by key; or set a password when the cluster is there again", Judge: passwords},
		{ID: "ML068", Clauses: []string{"aml-contract 4", "pain 37", "D2"}, Title: "Nothing is removed whose secrets nobody has",
			Why:    "Passwords of virtual machines and HDInsight, tokens of Databricks and connection strings of Kubernetes clusters are write-only: without them the attachment cannot be made again.",
			Remedy: "have the secret ready, detach the compute by hand before the move and attach it again after it", Judge: writeOnly},
		{ID: "ML069", Clauses: []string{"aml-contract 4", "aml-contract 8"}, Title: "Identities that become others are said",
			Why:    "The system-assigned identity of a compute or endpoint that is made again is a new one: roles that the old one had elsewhere (on storage, vaults, registries) end.",
			Remedy: "assign the roles of the old identity to the new one after the move; or use a user-assigned identity before it", Judge: newIdentities},
	}
}

func instanceDisks(c *Case) []Finding {
	var list []Finding
	for _, item := range c.removed("computes") {
		if kindOf(item) != aml.ComputeInstance {
			continue
		}
		owner := item.Doc.Text("properties.properties.createdBy.userName")
		if owner == "" {
			owner = item.Doc.Text("properties.properties.createdBy.userId")
		}
		f := found(Blocker, Person, item.ID, "the disk of the compute instance %s is lost when it is removed", item.Name())
		if c.AcceptInstanceLoss {
			f = found(Warning, None, item.ID, "the disk of the compute instance %s is lost, as was accepted", item.Name())
		}
		list = append(list, f.seen("it belongs to %s", owner))
	}
	return list
}

func unassigned(c *Case) []Finding {
	var list []Finding
	for _, item := range c.removed("computes") {
		if kindOf(item) != aml.ComputeInstance || item.Doc.Text("properties.properties.personalComputeInstanceSettings.assignedUser.objectId") != "" {
			continue
		}
		f := found(Warning, Person, item.ID, "the compute instance %s has no assigned user, and who made it is not told", item.Name())
		if maker := item.Doc.Text("properties.properties.createdBy.userId"); maker != "" {
			f = found(Note, Plan, item.ID, "the compute instance %s has no assigned user; it is assigned to who made it, %s", item.Name(), maker).do("the plan assigns the instance to its maker, so that it stays theirs")
		}
		list = append(list, f.seen("properties.properties.personalComputeInstanceSettings"))
	}
	return list
}

func passwords(c *Case) []Finding {
	var list []Finding
	for _, item := range c.removed("computes") {
		credentials := item.Doc.Object("properties.properties.userAccountCredentials")
		if kindOf(item) != aml.ComputeCluster || credentials.Text("adminUserName") == "" {
			continue
		}
		if credentials.Text("adminUserSshPublicKey") != "" {
			list = append(list, found(Note, None, item.ID, "the nodes of %s get their administrator's public key again; a password, if there was one, is lost", item.Name()))
			continue
		}
		list = append(list, found(Warning, Person, item.ID, "the administrator's password on the nodes of %s is lost, and there is no public key", item.Name()).seen("properties.properties.userAccountCredentials"))
	}
	return list
}

// secretsOf are the write-only members without which a compute cannot be attached again, by type.
var secretsOf = map[string]string{
	aml.ComputeVM:         "the administrator's password or private key",
	aml.ComputeHDInsight:  "the administrator's password or private key",
	aml.ComputeDatabricks: "the Databricks access token",
	aml.ComputeKubernetes: "the relay and Service Bus connection strings of the extension",
}

// attachable are the types that are attached again from their documents alone.
var attachable = []string{aml.ComputeAKS, aml.ComputeSynapse, aml.ComputeFactory, aml.ComputeLake}

func writeOnly(c *Case) []Finding {
	var list []Finding
	for _, item := range c.removed("computes") {
		kind := kindOf(item)
		secret, needs := secretsOf[kind]
		switch {
		case needs:
			list = append(list, found(Blocker, Person, item.ID, "the compute %s (%s) cannot be attached again without %s", item.Name(), kind, secret).seen("write-only members are never told"))
		case kind == aml.ComputeAKS && strings.EqualFold(item.Doc.Text("properties.properties.sslConfiguration.status"), "Enabled"):
			list = append(list, found(Blocker, Person, item.ID, "the compute %s (AKS) cannot be attached again without its certificate and key", item.Name()).seen("properties.properties.sslConfiguration"))
		case !aml.Managed(kind) && !slices.Contains(attachable, kind):
			list = append(list, found(Blocker, Person, item.ID, "nobody knows whether the compute %s can be attached again: this version does not know the type %s", item.Name(), kind))
		}
	}
	return list
}

func newIdentities(c *Case) []Finding {
	var list []Finding
	for _, item := range c.remade() {
		if strings.Contains(strings.ToLower(item.Doc.Text("identity.type")), "systemassigned") {
			list = append(list, found(Warning, Person, item.ID, "%s gets a new system-assigned identity", item.Name()).seen("the principal now is %s", item.Doc.Text("identity.principalId")))
		}
	}
	return list
}
