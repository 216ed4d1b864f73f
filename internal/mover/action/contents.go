package action

import "github.com/amlmove/amlmove/internal/plan"

// contents are the actions on what is inside a workspace besides: secrets, datastores, data assets, jobs, schedules, connections.
func contents() map[string]Action {
	return map[string]Action{
		plan.SaveSecrets:         saveSecrets{},
		plan.DisableSchedule:     disableSchedule{},
		plan.EndJob:              endJob{},
		plan.RestoreDatastore:    restoreDatastore{},
		plan.RestoreConnection:   restoreConnection{},
		plan.RestoreOutboundRule: restoreOutboundRule{},
		plan.RestoreData:         restoreData{},
		plan.RestoreSchedule:     restoreSchedule{},
		plan.ResyncKeys:          resyncKeys{},
		plan.Diagnose:            diagnose{},
	}
}
