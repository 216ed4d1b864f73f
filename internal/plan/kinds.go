package plan

// Kinds of actions: what a step does, by phase. Each says what its subject is and what its detail holds; mover/action has one file for each.
const (
	// RegisterProvider registers the target subscription for a namespace (S17). Subject: /subscriptions/T/providers/NAMESPACE. Nothing is undone: a registration is harmless.
	RegisterProvider = "registerProvider"
	// CreateGroup makes the target resource group (S40). Subject: its id. Detail: GroupDetail. Undone by deleting it while it is empty, if the run made it.
	CreateGroup = "createGroup"

	// SaveSecrets reads what the service tells about secrets and seals it under the subject's id (S45, S10, D10). Subject: a datastore (listSecrets), an online endpoint
	// (listKeys) or a connection (listsecrets). Nothing is undone.
	SaveSecrets = "saveSecrets"

	// DisableSchedule stops a schedule from starting jobs (pain 32). Subject: the schedule. Undone by enabling it again.
	DisableSchedule = "disableSchedule"
	// EndJob waits until a job has ended, or cancels it (S28). Subject: the job. Detail: JobDetail. Nothing can be undone.
	EndJob = "endJob"
	// LiftLock takes a lock away (pain 38). Subject: the lock. Undone by putting it back.
	LiftLock = "liftLock"

	// ProveRestorable reads both ends again, right before anything is destroyed and right before the move, and stops when something could not be made again as it is (D2).
	// Subject: the workspace.
	ProveRestorable = "proveRestorable"
	// RemoveEndpoint removes an online, batch or serverless endpoint with its deployments (S10, S36). Subject: the endpoint. Undone by making all of it again.
	RemoveEndpoint = "removeEndpoint"
	// RemoveService removes a web service of the v1 API (S35). Subject: the service. It cannot be undone: only planned when asked for.
	RemoveService = "removeService"
	// RemoveCompute deletes a managed compute or detaches an attached one, never the other way round (S09, S31). Subject: the compute. Undone by making it again.
	RemoveCompute = "removeCompute"

	// ValidateMove asks ARM for its verdict (S41). Subject: the workspace.
	ValidateMove = "validateMove"
	// MoveResources moves all that the plan says together (S03, S43). Subject: the workspace. Behind it there is no way back.
	MoveResources = "moveResources"

	// RestoreDatastore gives a nondefault datastore the right subscription and group, with its credentials (S32, S45 to S47). Subject: the datastore.
	RestoreDatastore = "restoreDatastore"
	// RestoreConnection gives a connection that names something that moved its new id. Subject: the connection.
	RestoreConnection = "restoreConnection"
	// RestoreOutboundRule does the same with an outbound rule of the managed network. Subject: the rule.
	RestoreOutboundRule = "restoreOutboundRule"
	// RestoreRole makes a role assignment at the new scope (S16). Subject: the assignment; its scope moves.
	RestoreRole = "restoreRole"
	// RestoreLock puts a lock back: one that was lifted, or one on something that moved. Subject: the lock.
	RestoreLock = "restoreLock"
	// RestoreDiagnostics makes a diagnostic setting at the new scope. Subject: the setting.
	RestoreDiagnostics = "restoreDiagnostics"
	// RestoreAlert lets an alert rule watch the new ids. Subject: the alert, which stays where it is, unless it moves.
	RestoreAlert = "restoreAlert"
	// RestorePrivateEndpoint brings a private endpoint of something that moved back into use: the connection that the service made anew is approved, or the endpoint is
	// made again with its DNS groups (S23, S24). Subject: the private endpoint. Detail: EndpointDetail.
	RestorePrivateEndpoint = "restorePrivateEndpoint"
	// RestoreData registers the data assets again: every container and version, same names and numbers, URIs rewritten (S05). Subject: the workspace. Count: versions.
	RestoreData = "restoreData"
	// RestoreCompute makes a compute again (S09, S44). Subject: the compute.
	RestoreCompute = "restoreCompute"
	// RestoreEndpoint makes an online, batch or serverless endpoint again, without deployments and traffic, an online one with the same keys (S10). Subject: the endpoint.
	RestoreEndpoint = "restoreEndpoint"
	// RestoreDeployment makes a deployment again. Subject: the deployment, online or batch.
	RestoreDeployment = "restoreDeployment"
	// RestoreTraffic sets traffic and mirror of an online endpoint, or the default deployment of a batch endpoint, when its deployments are there. Subject: the endpoint.
	RestoreTraffic = "restoreTraffic"
	// RestoreSchedule brings a schedule to its earlier state, with ids rewritten. Subject: the schedule.
	RestoreSchedule = "restoreSchedule"
	// RestoreImageBuild sets the workspace's imageBuildCompute again. Subject: the workspace.
	RestoreImageBuild = "restoreImageBuild"
	// ResyncKeys lets the workspace read the keys of its associated resources again. Subject: the workspace.
	ResyncKeys = "resyncKeys"

	// Diagnose asks the workspace how it is. Subject: the workspace.
	Diagnose = "diagnose"
	// Compare captures what is there after the move and compares it with what was before, object by object. Subject: the workspace.
	Compare = "compare"
)

// GroupDetail is what a resource group is made with.
type GroupDetail struct {
	Location string `json:"location"`
}

// JobDetail says how a job is brought to its end.
type JobDetail struct {
	Cancel bool     `json:"cancel"`
	Limit  Duration `json:"limit"` // how long is waited for the end
}

// EndpointDetail says to what a private endpoint leads.
type EndpointDetail struct {
	Resource string `json:"resource"` // resource id before the move
	Approve  bool   `json:"approve"`  // whether the run may approve by itself (--approve-endpoints)
}
