// Package capturing writes workspaces of test clouds down, for the tests of all rooms.
package capturing

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// Client is a client of a cloud's owner.
func Client(t testing.TB, c *cloudtest.Cloud) *azure.Client {
	t.Helper()
	client, err := azure.New(azure.Options{Endpoint: c.Endpoint, Credential: c.Credential(), Client: c.ClientOptions()})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Contoso is the workspace contoso-ml of a fixture, and the group ml-prod-rg of the other subscription.
func Contoso(t testing.TB, client *azure.Client, c *cloudtest.Cloud) (workspace, target arm.ID) {
	t.Helper()
	workspace, err := capture.Find(t.Context(), client, "contoso-ml")
	if err != nil {
		t.Fatal(err)
	}
	return workspace, arm.ID{{Type: arm.Subscriptions, Name: c.Subscriptions[1]}, {Type: arm.ResourceGroups, Name: "ml-prod-rg"}}
}

// Write captures a workspace into a file of its own and returns its path.
func Write(t testing.TB, client *azure.Client, workspace, target arm.ID) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w.snap")
	writer, err := snapshot.Create(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := capture.Run(t.Context(), capture.Options{Client: client, Workspace: workspace, Target: target}, writer); err != nil {
		t.Fatal(err)
	}
	return path
}

// Open opens a snapshot until the test ends.
func Open(t testing.TB, path string) *snapshot.Snapshot {
	t.Helper()
	snap, err := snapshot.Open(context.WithoutCancel(t.Context()), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = snap.Close() }) // only read
	return snap
}

// EndLabeling lets the labeling projects of a workspace that run come to their end, as their annotators would.
func EndLabeling(t testing.TB, c *cloudtest.Cloud, workspace arm.ID) {
	t.Helper()
	const version = "?api-version=2024-04-01-preview"
	var page struct{ Value []json.RawMessage }
	if err := json.Unmarshal(c.Do(t, "", http.MethodGet, workspace.String()+"/labelingJobs"+version, nil).Body, &page); err != nil {
		t.Fatal(err)
	}
	for _, raw := range page.Value {
		doc, err := arm.ParseDocument(raw)
		if err != nil {
			t.Fatal(err)
		}
		if aml.JobStatus(doc.Text("properties.status")).Terminal() {
			continue
		}
		for _, verb := range []string{"/pause", "/resume"} {
			if answer := c.Await(t, http.MethodPost, doc.Text("id")+verb+version, "{}"); answer.Status >= http.StatusMultipleChoices {
				t.Fatalf("%s: %d %s", verb, answer.Status, answer.Body)
			}
		}
	}
}
