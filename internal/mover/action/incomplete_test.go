package action

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/plan"
)

// saysDone answers so many requests to move with 204, without passing them on.
type saysDone struct{ times, asked int }

func (s *saysDone) Do(r *policy.Request) (*http.Response, error) {
	if raw := r.Raw(); raw.Method != http.MethodPost || !strings.HasSuffix(raw.URL.Path, "/moveResources") || s.asked >= s.times {
		return r.Next()
	}
	s.asked++
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r.Raw()}, nil
}

// TestAMoveThatIsSaidToBeDoneIsAskedForAgainWithPatience: what ARM says is not what is there. It is asked again with pauses, and not for ever.
func TestAMoveThatIsSaidToBeDoneIsAskedForAgainWithPatience(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		says, posts int
		code        string
	}{
		{"it moves in the end", 2, 3, ""},
		{"nothing ever moves", 1000, moveTries, "MoveIncomplete"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := quietWorld(t, "all")
			w.steer(t)
			options := w.cloud.ClientOptions()
			options.PerCallPolicies = append(options.PerCallPolicies, &saysDone{times: c.says})
			client, err := azure.New(azure.Options{Endpoint: w.cloud.Endpoint, Credential: w.cloud.Credential(), Client: options, Sleep: quick{}.Sleep})
			if err != nil {
				t.Fatal(err)
			}
			w.Client = client
			said := w.listen()
			task := w.task(plan.MoveResources, w.Plan.Workspace, nil)
			if got := codeIn(moveResources{}.Do(t.Context(), task)); got != c.code {
				t.Errorf("it ended with %q, want %q", got, c.code)
			}
			if got := w.journal.posts(); got != c.posts {
				t.Errorf("ARM was asked %d times, want %d", got, c.posts)
			}
			if !strings.Contains(said(), "0 of 5 are at the target") {
				t.Errorf("nobody is told: %s", said())
			}
			w.endsAt(t, task, c.code == "")
		})
	}
}
