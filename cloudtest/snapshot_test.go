package cloudtest_test

import (
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/test/capturing"
)

// TestOnACopyOfAWorkspace is how a test of anybody's own tools looks: a cloud made of a snapshot of their workspace (amlmove capture), the official SDK as its client, and a state to
// which each part of the test goes back.
func TestOnACopyOfAWorkspace(t *testing.T) {
	t.Parallel()
	original := cloudtest.Start(t, cloudtest.Fixture("contoso-quiet"))
	client := capturing.Client(t, original)
	workspace, target := capturing.Contoso(t, client, original)
	file := capturing.Write(t, client, workspace, target)

	cloud := cloudtest.Start(t, cloudtest.FromSnapshot(file))
	resources, err := armresources.NewClient(workspace.Subscription(), cloud.Credential(), cloud.Options())
	if err != nil {
		t.Fatal(err)
	}
	const version = "2024-04-01"
	cloud.Fork(t, "as-captured")
	for _, damage := range []struct {
		name string
		do   func() error
	}{
		{"a tag is lost", func() error {
			poller, err := resources.BeginUpdateByID(t.Context(), workspace.String(), version, armresources.GenericResource{Tags: map[string]*string{"team": to.Ptr("nobody")}}, nil)
			if err == nil {
				_, err = poller.PollUntilDone(t.Context(), nil)
			}
			return err
		}},
		{"the workspace is deleted", func() error {
			poller, err := resources.BeginDeleteByID(t.Context(), workspace.String(), version, nil)
			if err == nil {
				_, err = poller.PollUntilDone(t.Context(), nil)
			}
			return err
		}},
	} {
		before, err := resources.GetByID(t.Context(), workspace.String(), version, nil)
		if err != nil {
			t.Fatalf("%s: before: %v", damage.name, err)
		}
		if err := damage.do(); err != nil {
			t.Fatalf("%s: %v", damage.name, err)
		}
		cloud.Rewind(t, "as-captured")
		after, err := resources.GetByID(t.Context(), workspace.String(), version, nil)
		if err != nil || *after.Tags["team"] != *before.Tags["team"] {
			t.Errorf("%s: afterwards the workspace is %v (%v)", damage.name, after.Tags, err)
		}
	}
	_, err = resources.GetByID(t.Context(), workspace.String()+"-of-nobody", version, nil)
	if refused, is := err.(*azcore.ResponseError); !is || refused.StatusCode != http.StatusNotFound { //nolint:errorlint // as the SDK gives it
		t.Errorf("a workspace that is not there gives %v", err)
	}
}
