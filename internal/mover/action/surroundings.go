package action

import "github.com/amlmove/amlmove/internal/plan"

// surroundings are the actions on what is around a workspace: registrations, groups, locks, roles, diagnostics, private endpoints, and the move itself.
func surroundings() map[string]Action {
	return map[string]Action{
		plan.RegisterProvider:       registerProvider{},
		plan.CreateGroup:            createGroup{},
		plan.LiftLock:               liftLock{},
		plan.RestoreLock:            restoreLock{},
		plan.RestoreRole:            restoreRole{},
		plan.RestoreDiagnostics:     restoreDiagnostics{},
		plan.RestoreAlert:           restoreAlert{},
		plan.RestorePrivateEndpoint: restorePrivateEndpoint{},
		plan.ProveRestorable:        proveRestorable{},
		plan.ValidateMove:           validateMove{},
		plan.MoveResources:          moveResources{},
		plan.Compare:                compare{},
	}
}
