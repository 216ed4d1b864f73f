package admin

import (
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/move"
)

// longest bounds a duration.
const longest = 365 * 24 * time.Hour

// others are the durations that belong to no verb of a type: those of ARM itself, and of timers that services set.
var others = []string{"provider.register", "provider.unregister", "resourcegroups.delete", "job.start", "job.run", "labeling.run"}

// durationNames lists all names of durations that something in this cloud asks for, in lower case.
func (a *API) durationNames() []string {
	list := append([]string{move.OpValidate, move.OpMove}, others...)
	types := a.Engine.Types
	for _, namespace := range types.Namespaces() {
		_, entries, _ := types.Namespace(namespace)
		for _, entry := range entries {
			kind := strings.ToLower(entry.Kind())
			for verb, long := range map[string]bool{".put": entry.AsyncPut, ".patch": entry.AsyncPatch, ".delete": entry.AsyncDelete} {
				if long {
					list = append(list, kind+verb)
				}
			}
			for verb, action := range entry.Actions {
				if action.Async {
					list = append(list, kind+"."+verb)
				}
			}
		}
	}
	return list
}

// Typical are durations as one meets them in Azure. Those of moves, workspaces and deployments are published (peers, section 5): validate and move
// take several minutes each and most moves less than 30; creating a workspace took 547 to 594 seconds in acceptance tests; scaling an online endpoint 12 to
// 18 minutes. The rest is our estimate.
func Typical() map[string]time.Duration {
	return map[string]time.Duration{
		move.OpValidate: 3 * time.Minute, move.OpMove: 10 * time.Minute,
		"workspaces.put": 9 * time.Minute, "workspaces.delete": 2 * time.Minute,
		"computes.put": 3 * time.Minute, "computes.delete": 3 * time.Minute, "computes.start": 2 * time.Minute, "computes.stop": time.Minute,
		"computes.restart":    3 * time.Minute,
		"onlineendpoints.put": 2 * time.Minute, "onlineendpoints.delete": 5 * time.Minute, "batchendpoints.put": 30 * time.Second,
		"deployments.put": 15 * time.Minute, "deployments.delete": 5 * time.Minute,
		"privateendpoints.put": time.Minute, "privateendpoints.delete": time.Minute,
		"provider.register": time.Minute, "resourcegroups.delete": 5 * time.Minute,
		"job.start": 2 * time.Minute, "job.run": 30 * time.Minute,
	}
}
