package aml

import (
	"slices"
	"strings"
)

// spelled is a word that a document tells, as we spell it: services do not agree about the case of states and types. A word that is not known stays as it is.
func spelled[T ~string](text string, known []T) T {
	if at := slices.IndexFunc(known, func(k T) bool { return strings.EqualFold(text, string(k)) }); at >= 0 {
		return known[at]
	}
	return T(text)
}

// ProvisioningState is how far the service has come with a document.
type ProvisioningState string

const (
	Creating  ProvisioningState = "Creating"  // entered by the first PUT; the service moves it on
	Updating  ProvisioningState = "Updating"  // entered by a PUT or PATCH on something existing; the service moves it on
	Scaling   ProvisioningState = "Scaling"   // deployments only: entered when only the instance count changes; the service moves it on
	Deleting  ProvisioningState = "Deleting"  // entered by DELETE; ends with the document gone
	Succeeded ProvisioningState = "Succeeded" // terminal
	Failed    ProvisioningState = "Failed"    // terminal
	Canceled  ProvisioningState = "Canceled"  // terminal; one l
	Unknown   ProvisioningState = "Unknown"   // the service does not say; never taken for an end
)

// StateOf is the provisioning state that a document tells, whatever its case.
func StateOf(text string) ProvisioningState {
	return spelled(text, []ProvisioningState{Creating, Updating, Scaling, Deleting, Succeeded, Failed, Canceled, Unknown})
}

// Terminal reports whether nobody will change the state by themselves.
func (s ProvisioningState) Terminal() bool {
	s = StateOf(string(s))
	return s == Succeeded || s == Failed || s == Canceled
}

// JobStatus is the state of a job, and of a labeling job.
type JobStatus string

const (
	JobNotStarted      JobStatus = "NotStarted"      // entered by PUT; the service moves it on
	JobStarting        JobStatus = "Starting"        // the run was accepted; on to Provisioning or Preparing
	JobProvisioning    JobStatus = "Provisioning"    // a cluster is being made; on to Preparing
	JobPreparing       JobStatus = "Preparing"       // the image is built; on to Queued
	JobQueued          JobStatus = "Queued"          // waits for nodes; on to Running
	JobRunning         JobStatus = "Running"         // on to Finalizing, or a terminal state
	JobFinalizing      JobStatus = "Finalizing"      // output is collected; on to Completed
	JobCancelRequested JobStatus = "CancelRequested" // entered by cancel; on to Canceled
	JobCompleted       JobStatus = "Completed"       // terminal
	JobFailed          JobStatus = "Failed"          // terminal
	JobCanceled        JobStatus = "Canceled"        // terminal
	JobNotResponding   JobStatus = "NotResponding"   // heartbeats are missing; may return to any earlier state
	JobPaused          JobStatus = "Paused"          // labeling: entered by pause, left by resume; not an end (S37)
	JobUnknown         JobStatus = "Unknown"         // never taken for an end
)

// JobStatuses returns every status a job may have.
func JobStatuses() []JobStatus {
	return []JobStatus{JobNotStarted, JobStarting, JobProvisioning, JobPreparing, JobQueued, JobRunning, JobFinalizing, JobCancelRequested,
		JobCompleted, JobFailed, JobCanceled, JobNotResponding, JobPaused, JobUnknown}
}

// JobStatusOf is the status that a job tells, whatever its case.
func JobStatusOf(text string) JobStatus { return spelled(text, JobStatuses()) }

// Terminal reports whether a job has ended. Everything else stops a move (S28), a status nobody knows included.
func (s JobStatus) Terminal() bool {
	s = JobStatusOf(string(s))
	return s == JobCompleted || s == JobFailed || s == JobCanceled
}

// Cancelable reports whether cancel has something to do and takes nothing away that is there: a job that collects its output could lose that (aml-contract 5).
func (s JobStatus) Cancelable() bool {
	s = JobStatusOf(string(s))
	return !s.Terminal() && s != JobCancelRequested && s != JobFinalizing
}

// IsLabeling reports whether a job of a type is a labeling project: older versions list them among the jobs. It is its owner's to complete, never ended by anybody else (S37).
func IsLabeling(jobType string) bool { return strings.EqualFold(jobType, "Labeling") }

// InstanceState is the state of a compute instance.
type InstanceState string

const (
	InstanceCreating   InstanceState = "Creating"   // entered by PUT; on to Running
	InstanceRunning    InstanceState = "Running"    // left by stop or restart
	InstanceStarting   InstanceState = "Starting"   // entered by start; on to Running
	InstanceStopping   InstanceState = "Stopping"   // entered by stop; on to Stopped
	InstanceStopped    InstanceState = "Stopped"    // left by start
	InstanceRestarting InstanceState = "Restarting" // entered by restart; on to Running
	InstanceFailed     InstanceState = "CreateFailed"
	InstanceUnusable   InstanceState = "Unusable"
	// What an instance runs when it is made has failed: the setup of its owner or the service's own.
	InstanceSetupFailed     InstanceState = "SetupFailed"
	InstanceUserSetupFailed InstanceState = "UserSetupFailed"
)

// Broken reports whether an instance does not work and will not by itself.
func (s InstanceState) Broken() bool {
	broken := []InstanceState{InstanceFailed, InstanceUnusable, InstanceSetupFailed, InstanceUserSetupFailed}
	return slices.Contains(broken, spelled(string(s), broken))
}

// ServerlessState is the state of a serverless endpoint.
type ServerlessState string

// States of a serverless endpoint; only Online answers.
const (
	ServerlessCreating ServerlessState = "Creating"
	ServerlessOnline   ServerlessState = "Online"
)

// ConnectionStatus is the state of a private endpoint's connection.
type ConnectionStatus string

const (
	ConnectionPending      ConnectionStatus = "Pending"      // asks for approval (S24)
	ConnectionApproved     ConnectionStatus = "Approved"     // works
	ConnectionRejected     ConnectionStatus = "Rejected"     // the owner said no
	ConnectionDisconnected ConnectionStatus = "Disconnected" // one end is gone or was moved (S23)
	ConnectionTimeout      ConnectionStatus = "Timeout"
)

// What DELETE of a compute asks for (underlyingResourceAction).
const (
	ActionDelete = "Delete"
	ActionDetach = "Detach"
)

// Types of compute.
const (
	ComputeAKS        = "AKS"
	ComputeCluster    = "AmlCompute"
	ComputeInstance   = "ComputeInstance"
	ComputeKubernetes = "Kubernetes"
	ComputeDatabricks = "Databricks"
	ComputeSynapse    = "SynapseSpark"
	ComputeVM         = "VirtualMachine"
	ComputeHDInsight  = "HDInsight"
	ComputeFactory    = "DataFactory"
	ComputeLake       = "DataLakeAnalytics"
)

// ComputeTypeOf is the type that a compute tells, whatever its case.
func ComputeTypeOf(text string) string {
	return spelled(text, []string{ComputeAKS, ComputeCluster, ComputeInstance, ComputeKubernetes, ComputeDatabricks, ComputeSynapse, ComputeVM, ComputeHDInsight, ComputeFactory, ComputeLake})
}

// Managed reports whether the service itself owns the machines of a compute type.
func Managed(computeType string) bool {
	computeType = ComputeTypeOf(computeType)
	return computeType == ComputeCluster || computeType == ComputeInstance
}

// RemovalOf says how a compute leaves a workspace without harm to what belongs to somebody else (S31): what the service owns is deleted, what was
// attached is detached, never the other way round. A managed type is never attached, whatever the document says; an unknown one is detached.
func RemovalOf(computeType string, attached bool) string {
	if Managed(computeType) && !attached {
		return ActionDelete
	}
	return ActionDetach
}
