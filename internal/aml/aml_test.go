package aml

import (
	"slices"
	"strings"
	"testing"
)

func TestFateOfContent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		clause, path string
		want         Fate
	}{
		{"S04 datastores move", "datastores", Moves},
		{"S05 data containers are not moved", "data", Dropped},
		{"S05 data versions are not moved", "data/versions", Dropped},
		{"S06 jobs move", "jobs", Moves},
		{"S07 environments move", "environments/versions", Moves},
		{"S08 models move", "models/versions", Moves},
		{"S08 components move", "components/versions", Moves},
		{"S08 feature sets move", "featuresets/versions", Moves},
		{"S08 schedules move", "schedules", Moves},
		{"S08 connections move", "connections", Moves},
		{"S09 S34 computes block", "computes", Blocks},
		{"S10 S36 online endpoints block", "onlineEndpoints", Blocks},
		{"S10 online deployments block", "onlineEndpoints/deployments", Blocks},
		{"S10 batch endpoints block", "batchEndpoints", Blocks},
		{"S10 serverless endpoints block", "serverlessEndpoints", Blocks},
		{"S35 services of the v1 API block", "services", Blocks},
		{"S23 private endpoints are disconnected", "privateEndpointConnections", Disconnected},
		{"paths are found whatever their case", "ONLINEendpoints/Deployments", Blocks},
	} {
		k, known := FindKind(c.path)
		if !known || k.Fate != c.want {
			t.Errorf("%s: got %v, known %v", c.clause, k.Fate, known)
		}
	}
	if _, known := FindKind("novelties"); known {
		t.Error("a kind that nobody wrote down is known")
	}
}

func TestKindsAreATree(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, k := range Kinds() {
		if seen[strings.ToLower(k.Path)] {
			t.Errorf("%s stands twice in the table", k.Path)
		}
		seen[strings.ToLower(k.Path)] = true
		if at := strings.LastIndexByte(k.Path, '/'); at > 0 && !seen[strings.ToLower(k.Path[:at])] {
			t.Errorf("%s stands before its parent", k.Path)
		}
		if found, ok := KindOf(k.Type()); !ok || found.Path != k.Path {
			t.Errorf("%s is not found by its type %s", k.Path, k.Type())
		}
		if k.Depth() > 2 {
			t.Errorf("%s is deeper than any known content", k.Path)
		}
	}
	if _, ok := KindOf("Microsoft.Storage/storageAccounts/blobServices"); ok {
		t.Error("content of another provider is taken for content of a workspace")
	}
}

func TestOnlyEndedJobsAreTerminal(t *testing.T) {
	t.Parallel()
	want := []JobStatus{JobCompleted, JobFailed, JobCanceled}
	for _, s := range JobStatuses() {
		if got := s.Terminal(); got != slices.Contains(want, s) {
			t.Errorf("S28 %s: Terminal is %v", s, got)
		}
	}
	if JobStatus("Invented").Terminal() {
		t.Error("S28 a status that nobody knows is taken for an end")
	}
	if !JobStatus("completed").Terminal() || JobStatus("CANCELREQUESTED").Cancelable() || JobStatusOf("finalizing") != JobFinalizing || JobStatusOf("Invented") != "Invented" {
		t.Error("S28 the case of a status counts")
	}
	if JobCancelRequested.Cancelable() || JobFinalizing.Cancelable() || JobCompleted.Cancelable() || !JobPaused.Cancelable() {
		t.Error("what can be cancelled is wrong")
	}
}

func TestProvisioningStates(t *testing.T) {
	t.Parallel()
	for state, want := range map[ProvisioningState]bool{Creating: false, Updating: false, Scaling: false, Deleting: false, Unknown: false,
		Succeeded: true, Failed: true, Canceled: true, "Invented": false} {
		if state.Terminal() != want {
			t.Errorf("%s: Terminal is %v", state, !want)
		}
	}
}

func TestTheCaseOfAStateOrTypeDoesNotCount(t *testing.T) {
	t.Parallel()
	if !ProvisioningState("SUCCEEDED").Terminal() || StateOf("succeeded") != Succeeded || StateOf("Resolving") != "Resolving" || StateOf("") != "" {
		t.Error("the case of a state counts")
	}
	if !Managed("amlcompute") || RemovalOf("computeinstance", false) != ActionDelete || RemovalOf("aks", false) != ActionDetach {
		t.Error("S31 the case of a compute's type counts")
	}
	if ComputeTypeOf("KUBERNETES") != ComputeKubernetes || ComputeTypeOf("Novelty") != "Novelty" {
		t.Error("the case of a compute's type counts")
	}
}

func TestComputesLeaveWithoutHarm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, computeType string
		attached          bool
		want              string
	}{
		{"S31 a cluster of the service is deleted", ComputeCluster, false, ActionDelete},
		{"S31 an instance of the service is deleted", ComputeInstance, false, ActionDelete},
		{"S31 an attached AKS cluster is detached", ComputeAKS, true, ActionDetach},
		{"S31 an AKS cluster whose document forgot that it is attached is detached", ComputeAKS, false, ActionDetach},
		{"S31 an attached Databricks workspace is detached", ComputeDatabricks, true, ActionDetach},
		{"S31 a type that nobody knows is detached", "Quantum", false, ActionDetach},
	} {
		if got := RemovalOf(c.computeType, c.attached); got != c.want {
			t.Errorf("%s: got %s", c.name, got)
		}
	}
}

func TestRequiredNamespaces(t *testing.T) {
	t.Parallel()
	plain := RequiredNamespaces(Needs{})
	for _, ns := range []string{Namespace, "Microsoft.Storage", "Microsoft.ContainerRegistry", "Microsoft.KeyVault", "Microsoft.Notebooks", "Microsoft.Insights"} {
		if !slices.Contains(plain, ns) {
			t.Errorf("S17 %s is missing", ns)
		}
	}
	if slices.Contains(plain, "Microsoft.ContainerService") || !slices.Contains(RequiredNamespaces(Needs{AKS: true}), "Microsoft.ContainerService") {
		t.Error("S18 ContainerService is required exactly when AKS is used")
	}
	cmk := RequiredNamespaces(Needs{CMK: true})
	if !slices.Contains(cmk, "Microsoft.DocumentDB") || !slices.Contains(cmk, "Microsoft.Search") || slices.Contains(plain, "Microsoft.Search") {
		t.Error("S19 DocumentDB and Search are required exactly when a customer-managed key is used")
	}
	if !slices.IsSorted(cmk) {
		t.Error("the namespaces are not sorted")
	}
}

func TestSystemDatastores(t *testing.T) {
	t.Parallel()
	if SystemDatastores()[0] != "workspaceblobstore" || len(SystemDatastores()) != 4 {
		t.Errorf("S45 got %v", SystemDatastores())
	}
	if !IsSystemDatastore("WorkspaceFileStore") || IsSystemDatastore("mystore") {
		t.Error("S45 system datastores are not told from others")
	}
}

func TestWorkspaceNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"ab": false, "abc": true, strings.Repeat("a", 33): true, strings.Repeat("a", 34): false, "-abc": false, "a b c": false, "my-ws_1": true} {
		if WorkspaceName.MatchString(name) != want {
			t.Errorf("%q: got %v", name, !want)
		}
	}
}

func TestOwnedReferences(t *testing.T) {
	t.Parallel()
	jobs, _ := FindKind("jobs")
	if !slices.Contains(jobs.Owned(), "properties.computeId") {
		t.Error("a job's compute does not follow")
	}
	data, _ := FindKind("data/versions")
	if len(data.Owned()) != 0 {
		t.Error("a data asset's URI follows by itself")
	}
	if !slices.Contains(OwnedWorkspacePaths(), "properties.storageAccount") {
		t.Error("S42 the storage account does not follow")
	}
}
