package action

// computing are the actions on computes, endpoints and deployments.
func computing() map[string]Action {
	return map[string]Action{}
}
