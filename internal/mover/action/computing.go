package action

import "github.com/amlmove/amlmove/internal/plan"

// computing are the actions on computes, endpoints and deployments.
func computing() map[string]Action {
	return map[string]Action{
		plan.RemoveEndpoint:    removeEndpoint{},
		plan.RemoveService:     removeService{},
		plan.RemoveCompute:     removeCompute{},
		plan.RestoreCompute:    restoreCompute{},
		plan.RestoreEndpoint:   restoreEndpoint{},
		plan.RestoreDeployment: restoreDeployment{},
		plan.RestoreTraffic:    restoreTraffic{},
		plan.RestoreImageBuild: restoreImageBuild{},
	}
}
