package replica_test

import (
	"path/filepath"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// written captures the workspace of a cloud.
func written(t *testing.T, c *cloudtest.Cloud, workspace, target string) (path string) {
	t.Helper()
	client, err := azure.New(azure.Options{Endpoint: c.Endpoint, Credential: c.Credential(), Client: c.ClientOptions()})
	if err != nil {
		t.Fatal(err)
	}
	id, err := capture.Find(t.Context(), client, workspace)
	if err != nil {
		t.Fatal(err)
	}
	group, err := arm.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "a.snap")
	w, err := snapshot.Create(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := capture.Run(t.Context(), capture.Options{Client: client, Workspace: id, Target: group}, w); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, path string) *snapshot.Snapshot {
	t.Helper()
	snap, err := snapshot.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = snap.Close() })
	return snap
}

// TestTheReplicaOfAReplicaIsTheSame is point 4 of issue 4: captured, loaded, captured again, the two snapshots have the same digest.
func TestTheReplicaOfAReplicaIsTheSame(t *testing.T) {
	t.Parallel()
	for _, world := range []string{"contoso", "contoso-quiet"} {
		t.Run(world, func(t *testing.T) {
			t.Parallel()
			c := cloudtest.Start(t, cloudtest.Fixture(world))
			target := "/subscriptions/" + c.Subscriptions[1] + "/resourceGroups/ml-prod-rg"
			first := written(t, c, "contoso-ml", target)
			second := written(t, cloudtest.Start(t, cloudtest.FromSnapshot(first)), "contoso-ml", target)
			for change, err := range snapshot.Diff(t.Context(), open(t, first), open(t, second)) {
				if err != nil {
					t.Fatal(err)
				}
				t.Errorf("%s %s %s: %v", change.Section, change.What, change.ID, change.Paths)
			}
		})
	}
}
