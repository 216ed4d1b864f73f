package plan

import (
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// computeLosses says what a compute that is made again does not have any more (aml-contract 4).
func (b *builder) computeLosses(c facts.Item, typ string) {
	switch aml.ComputeTypeOf(typ) {
	case aml.ComputeInstance:
		b.lose(c.Key, "the disk of the instance: installed packages and files outside the file share", "let its user copy what is needed to the file share before")
	case aml.ComputeCluster:
		b.lose(c.Key, "the nodes that run, with their disks: the cluster begins with its least number of nodes", "nothing: it grows when a job comes")
		if c.Doc.Text("properties.properties.userAccountCredentials.adminUserName") != "" {
			b.lose(c.Key, "the password of the nodes' administrator, which the service does not tell", "set a new one if anybody signs in with it")
		}
	case aml.ComputeVM, aml.ComputeHDInsight, aml.ComputeDatabricks:
		b.lose(c.Key, "the secret with which it was attached, which the service does not tell", "have it at hand: attaching again asks for it")
	}
	if c.State() == aml.Failed {
		b.lose(c.Key, "nothing more, but it had failed before: making it again may fail as well", "repair or delete it before the move")
	}
	b.identityLoss(c)
}

// endpointLosses says what an endpoint that is made again does not have any more (aml-contract 3, 8).
func (b *builder) endpointLosses(path string, e facts.Item) {
	mode := e.Doc.Text("properties.authMode")
	switch {
	case path == "serverlessEndpoints":
		b.lose(e.Key, "the keys and the address of the serverless endpoint", "give its callers the new ones")
		if e.Doc.Text("properties.marketplaceSubscriptionId") != "" && b.crosses() {
			b.lose(e.Key, "the subscription to its marketplace offer, which is bound to the Azure subscription that bought it", "subscribe to the offer with the target subscription before: without that it cannot be made again")
		}
	case path == "batchEndpoints":
		b.lose(e.Key, "the address of the batch endpoint may change; its earlier jobs stay in the workspace and no longer lead to it", "compare the scoring URI in the report, and change it where callers keep it")
	default:
		b.lose(e.Key, "the address of the online endpoint may change", "compare the scoring URI in the report, and change it where callers keep it")
	}
	if path == "onlineEndpoints" && oneOf(mode, "AMLToken", "AADToken") {
		b.lose(e.Key, "the tokens that callers hold ("+mode+")", "let callers ask for a new token")
	}
	if e.State() == aml.Failed {
		b.lose(e.Key, "nothing more, but it had failed before: making it again may fail as well", "repair or delete it before the move")
	}
	b.identityLoss(e)
}

// scalerLosses says which deployments nothing scales any more: a setting of Azure Monitor goes on naming the old id.
func (b *builder) scalerLosses() {
	for _, setting := range b.Of(snapshot.Source, aml.AutoscaleSettings) {
		if id, ok := aml.Scales(setting.Doc); ok && !b.choices.NoQuiesce && id.Within(b.Workspace.ID) {
			b.lose(setting.Key, "what scales the deployment "+id.Name()+" of "+id[:len(id)-1].Name()+": the setting goes on naming the old id", "make it again for the new id when the deployment is there")
		}
	}
}

// identityLoss says that a system-assigned identity becomes another one, and which roles end with it.
func (b *builder) identityLoss(item facts.Item) {
	if !hasSystemIdentity(item) {
		return
	}
	b.lose(item.Key, "the object id of its system-assigned identity", "name the new one where the old one is named; the report has both")
	for _, r := range b.Of(snapshot.Source, aml.RoleAssignments) {
		if r.ID != nil && strings.EqualFold(r.Doc.Text("properties.principalId"), item.Doc.Text("identity.principalId")) {
			b.lose(r.Key, b.roleName(r)+" on "+r.ID.Scope().Name()+" of the system-assigned identity of "+item.Name(), "give it to the new identity after the move; there may be more where the snapshot does not look")
		}
	}
}

func hasSystemIdentity(item facts.Item) bool {
	return strings.Contains(strings.ToLower(item.Doc.Text("identity.type")), "systemassigned") && item.Doc.Text("identity.principalId") != ""
}

// ending are the principals that end: system-assigned identities of what is removed and made again.
func (b *builder) ending() map[string]bool {
	ids := map[string]bool{}
	for _, path := range []string{"computes", "onlineEndpoints", "batchEndpoints", "serverlessEndpoints"} {
		for _, item := range b.removes(path) {
			if hasSystemIdentity(item) {
				ids[strings.ToLower(item.Doc.Text("identity.principalId"))] = true
			}
		}
	}
	return ids
}
