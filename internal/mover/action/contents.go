package action

// contents are the actions on what is inside a workspace besides: secrets, datastores, data assets, jobs, schedules, connections.
func contents() map[string]Action {
	return map[string]Action{}
}
