package rules

import "slices"

// Table returns all rules, by id. Ids are given by area: ML00x the workspace, ML01x its places, ML019 and ML02x associated resources, names and registrations, ML03x rights, ML04x
// policy and quota, ML05x locks and roles, ML06x computes, ML07x endpoints, ML08x jobs and network, ML09x data, and what is not known.
func Table() []Rule {
	return slices.Concat(workspaceRules(), placeRules(), accountRules(), nameRules(), registrationRules(), rightRules(), policyRules(), quotaRules(), lockRules(), roleRules(),
		computeRules(), lossRules(), endpointRules(), jobRules(), networkRules(), datastoreRules(), gapRules())
}
