package action

// surroundings are the actions on what is around a workspace: registrations, groups, locks, roles, diagnostics, private endpoints, and the move itself.
func surroundings() map[string]Action {
	return map[string]Action{}
}
