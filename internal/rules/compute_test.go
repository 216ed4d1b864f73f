package rules

import (
	"fmt"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/snapshot"
)

var aks = content("computes/aks", `{"properties":{"computeType":"AKS","isAttachedCompute":true,"provisioningState":"Succeeded"}}`)

// cluster is a compute of the service.
func cluster(name string, nodes int, more string) change {
	return content("computes/"+name, fmt.Sprintf(`{"location":"eastus","properties":{"computeType":"AmlCompute","computeLocation":"East US","provisioningState":"Succeeded","properties":{"vmSize":"STANDARD_DS3_V2","scaleSettings":{"maxNodeCount":%d}%s}}}`, nodes, more))
}

// instance is a compute instance.
func instance(name, more string) change {
	return content("computes/"+name, `{"properties":{"computeType":"ComputeInstance","provisioningState":"Succeeded","properties":{"vmSize":"Standard_DS3_v2","createdBy":{"userName":"alice"}`+more+`}}}`)
}

func inState(state string) change {
	return content("computes/c", `{"properties":{"computeType":"AmlCompute","provisioningState":"`+state+`"}}`)
}

var noQuiesce = choose(func(c *Choices) { c.NoQuiesce = true })

func attach(kind string) change {
	return content("computes/c", `{"properties":{"computeType":"`+kind+`","isAttachedCompute":true,"provisioningState":"Succeeded"}}`)
}

func computeExamples() []example {
	list := []example{
		{"ML060", "computes are removed and made again (S09, S31, S34)", []change{cluster("c", 1, ""), aks}, []string{"note/plan aks", "note/plan c"}},
		{"ML060", "they stop the move when nothing may be removed (S34)", []change{cluster("c", 1, ""), noQuiesce}, []string{"blocker/person c"}},
		{"ML062", "a failed compute (aml-contract 4)", []change{inState("Failed")}, []string{"warning/person c"}},
		{"ML062", "an unusable instance (pain 25)", []change{instance("i", `,"state":"Unusable"`)}, []string{"warning/person i"}},
		{"ML062", "an instance whose setup failed (pain 25)", []change{instance("i", `,"state":"SetupFailed"`)}, []string{"warning/person i"}},
		{"ML061", "the case of a state says nothing", []change{inState("succeeded")}, []string{}},
		{"ML062", "a failed compute, whatever the case", []change{inState("FAILED")}, []string{"warning/person c"}},
		{"ML065", "an instance is one, whatever the case of its type (pain 25)", []change{content("computes/i", `{"properties":{"computeType":"computeinstance","provisioningState":"Succeeded"}}`)}, []string{"blocker/person i"}},
		{"ML066", "an instance without an assigned user is assigned to who made it (pain 25)", []change{instance("i", `,"createdBy":{"userId":"alice-id","userOrgId":"t"}`)}, []string{"note/plan i"}},
		{"ML068", "the secrets of a type, whatever its case (pain 37)", []change{attach("kubernetes")}, []string{"blocker/person c"}},
		{"ML063", "the compute for images is set again (aml-contract 2)", []change{cluster("c", 1, ""), workspace(`,"imageBuildCompute":"C"`)}, []string{"note/plan w"}},
		{"ML063", "a name of nothing is left as it is", []change{workspace(`,"imageBuildCompute":"gone"`)}, []string{}},
		{"ML064", "a subnet in the old subscription (D2)", []change{cluster("c", 1, `,"subnet":{"id":"`+group1+`/providers/Microsoft.Network/virtualNetworks/v/subnets/n"}`)}, []string{"warning/person c"}},
		{"ML064", "within a subscription it is reachable as before", []change{aimAt(sub1 + "/resourceGroups/g3"), cluster("c", 1, `,"subnet":{"id":"`+group1+`/providers/Microsoft.Network/virtualNetworks/v/subnets/n"}`)}, []string{}},
		{"ML065", "the disk of an instance (pain 25)", []change{instance("i", "")}, []string{"blocker/person i"}},
		{"ML065", "its loss was accepted", []change{instance("i", ""), choose(func(c *Choices) { c.AcceptInstanceLoss = true })}, []string{"warning/none i"}},
		{"ML065", "it is not removed", []change{instance("i", ""), noQuiesce}, []string{}},
		{"ML066", "nobody is assigned (pain 25)", []change{instance("i", "")}, []string{"warning/person i"}},
		{"ML066", "somebody is", []change{instance("i", `,"personalComputeInstanceSettings":{"assignedUser":{"objectId":"o"}}`)}, []string{}},
		{"ML067", "a password without a key (aml-contract 4)", []change{cluster("c", 1, `,"userAccountCredentials":{"adminUserName":"a"}`)}, []string{"warning/person c"}},
		{"ML067", "a key is made again", []change{cluster("c", 1, `,"userAccountCredentials":{"adminUserName":"a","adminUserSshPublicKey":"ssh-ed25519 A"}`)}, []string{"note/none c"}},
		{"ML067", "no administrator at all", []change{cluster("c", 1, "")}, []string{}},
		{"ML068", "AKS is attached by its id", []change{attach("AKS")}, []string{}},
		{"ML068", "a certificate of AKS is not told", []change{content("computes/c", `{"properties":{"computeType":"AKS","isAttachedCompute":true,"properties":{"sslConfiguration":{"status":"Enabled"}}}}`)}, []string{"blocker/person c"}},
		{"ML068", "nothing is detached", []change{attach("VirtualMachine"), noQuiesce}, []string{}},
		{"ML069", "a cluster with an identity of its own (aml-contract 8)", []change{content("computes/c", `{"identity":{"type":"SystemAssigned,UserAssigned","principalId":"p"},"properties":{"computeType":"AKS"}}`)}, []string{"warning/person c"}},
		{"ML069", "a user-assigned identity stays the same", []change{content("computes/c", `{"identity":{"type":"UserAssigned"},"properties":{"computeType":"AKS"}}`)}, []string{}},
	}
	for _, kind := range []string{"VirtualMachine", "HDInsight", "Databricks", "Kubernetes", "Novelty"} {
		list = append(list, example{"ML068", kind + " cannot be attached again from here (D2, pain 37)", []change{attach(kind)}, []string{"blocker/person c"}})
	}
	for _, s := range []aml.ProvisioningState{aml.Creating, aml.Updating, aml.Deleting, aml.Scaling, aml.Unknown} {
		list = append(list, example{"ML061", "a compute that is " + string(s) + " (S34)", []change{inState(string(s))}, []string{"blocker/person c"}})
	}
	for _, s := range []aml.ProvisioningState{aml.Succeeded, aml.Failed, aml.Canceled} {
		list = append(list, example{"ML061", "a compute that is " + string(s), []change{inState(string(s))}, []string{}})
	}
	return list
}

func quotaExamples() []example {
	deployment := func(more string) change {
		return content("onlineEndpoints/e/deployments/d", `{"sku":{"capacity":2},"properties":{"endpointComputeType":"Managed","instanceType":"Standard_DS3_v2"`+more+`}}`)
	}
	same := aimAt(sub1 + "/resourceGroups/g3")
	return []example{
		{"ML045", "80 vCPUs free take 20 nodes of 4 (pain 28)", []change{cluster("c", 20, "")}, []string{}},
		{"ML045", "21 nodes are too many (S09, D2)", []change{cluster("c", 21, "")}, []string{"blocker/person s2"}},
		{"ML045", "clusters and instances share a family", []change{cluster("c", 20, ""), instance("i", "")}, []string{"blocker/person s2"}},
		{"ML045", "a deployment needs a fifth more: 2 x 4 becomes 10 (pain 28)", []change{cluster("c", 18, ""), deployment("")}, []string{"blocker/person s2"}},
		{"ML045", "17 nodes leave room for it", []change{cluster("c", 17, ""), deployment("")}, []string{}},
		{"ML045", "a deployment counts with the most it may grow to", []change{cluster("c", 17, ""), deployment(`,"scaleSettings":{"scaleType":"TargetUtilization","maxInstances":3}`)}, []string{"blocker/person s2"}},
		{"ML045", "low priority has a quota of its own", []change{cluster("c", 5, `,"vmPriority":"LowPriority"`)}, []string{"blocker/person s2"}},
		{"ML045", "four low-priority nodes fit", []change{cluster("c", 4, `,"vmPriority":"LowPriority"`)}, []string{}},
		{"ML045", "a family with a limit of nought (pain 28)", []change{usage("Standard DSv2 Family Cluster Dedicated vCPUs", 0, 0), cluster("c", 1, "")}, []string{"blocker/person s2"}},
		{"ML045", "a family without any quota", []change{without(snapshot.Target, sub2+region1+"usages#Standard DSv2 Family Cluster Dedicated vCPUs"), cluster("c", 1, "")}, []string{"blocker/person s2"}},
		{"ML045", "the smaller limit of quotas counts", []change{listed(snapshot.Target, sub2+"/quotas/Standard_DSv2", aml.Quotas, `{"id":"/subscriptions/s2/quotas/Standard_DSv2","limit":30,"name":{"value":"Standard DSv2 Family Cluster Dedicated vCPUs"}}`), cluster("c", 3, "")}, []string{"blocker/person s2"}},
		{"ML045", "the share of a workspace is no limit of the subscription", []change{listed(snapshot.Target, sub2+"/quotas/x", aml.Quotas, `{"id":"/subscriptions/s2/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/o/quotas/x","limit":3,"name":{"value":"Standard DSv2 Family Cluster Dedicated vCPUs"}}`), cluster("c", 3, "")}, []string{}},
		{"ML045", "a limit of -1 is none", []change{usage("Standard DSv2 Family Cluster Dedicated vCPUs", 0, -1), usage("Total Cluster Dedicated Regional vCPUs", 0, -1), cluster("c", 900, "")}, []string{}},
		{"ML045", "a quota limits where the usage tells no limit (pain 28)", []change{usage("Standard DSv2 Family Cluster Dedicated vCPUs", 0, -1), listed(snapshot.Target, sub2+"/quotas/Standard_DSv2", aml.Quotas, `{"id":"/subscriptions/s2/quotas/Standard_DSv2","limit":8,"name":{"value":"Standard DSv2 Family Cluster Dedicated vCPUs"}}`), cluster("c", 3, "")}, []string{"blocker/person s2"}},
		{"ML045", "a cluster counts, whatever the case of its type (pain 28)", []change{content("computes/c", `{"properties":{"computeType":"amlcompute","properties":{"vmSize":"Standard_DS3_v2","scaleSettings":{"maxNodeCount":21}}}}`)}, []string{"blocker/person s2"}},
		{"ML045", "the total of the region counts too", []change{usage("Total Cluster Dedicated Regional vCPUs", 490, 500), cluster("c", 3, "")}, []string{"blocker/person s2"}},
		{"ML045", "so does the number of computes", []change{usage("Clusters", 10, 10), cluster("c", 1, "")}, []string{"blocker/person s2"}},
		{"ML045", "within a subscription what is freed counts", []change{same, usage("Standard DSv2 Family Cluster Dedicated vCPUs", 100, 100), usage("Clusters", 10, 10), cluster("c", 20, "")}, []string{}},
		{"ML045", "no usage was read at all (D2)", []change{cluster("c", 1, ""), func(w *world) {
			for key, d := range w.docs {
				if d.typ == aml.Usages {
					delete(w.docs, key)
				}
			}
		}}, []string{"blocker/person s2"}},
		{"ML045", "what is not removed needs no room", []change{cluster("c", 900, ""), noQuiesce}, []string{}},
		{"ML046", "a size that is not offered (pain 28, D2)", []change{content("computes/c", `{"properties":{"computeType":"AmlCompute","properties":{"vmSize":"Standard_ND96"}}}`)}, []string{"blocker/person c"}},
		{"ML046", "a size that is not offered for instances", []change{content("computes/i", `{"properties":{"computeType":"ComputeInstance","properties":{"vmSize":"Standard_NC6"}}}`)}, []string{"blocker/person i"}},
		{"ML046", "a size that is, whatever its case", []change{cluster("c", 1, "")}, []string{}},
		{"ML046", "no size is offered at all (pain 28, D2)", []change{cluster("c", 1, ""), func(w *world) {
			for key, d := range w.docs {
				if d.typ == aml.VMSizes {
					delete(w.docs, key)
				}
			}
		}}, []string{"blocker/person c"}},
		{"ML046", "sizes that could not be read are another rule's", []change{cluster("c", 1, ""), gap(snapshot.Target, sub2+region1+"vmSizes", 403), func(w *world) {
			for key, d := range w.docs {
				if d.typ == aml.VMSizes {
					delete(w.docs, key)
				}
			}
		}}, []string{}},
		{"ML046", "a deployment's size that is not offered", []change{content("onlineEndpoints/e/deployments/d", `{"properties":{"endpointComputeType":"Managed","instanceType":"Standard_F4"}}`)}, []string{"blocker/person d"}},
		{"ML047", "a compute in another region (D2)", []change{content("computes/c", `{"properties":{"computeType":"AmlCompute","computeLocation":"westus","properties":{"vmSize":"Standard_DS3_v2"}}}`)}, []string{"blocker/person c"}},
		{"ML047", "an attached cluster may be anywhere", []change{content("computes/c", `{"properties":{"computeType":"AKS","computeLocation":"westus"}}`)}, []string{}},
	}
}
