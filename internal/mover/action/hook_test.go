package action

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/plan"
)

// hook hears of every request before it leaves.
type hook func(*http.Request)

func (h hook) Do(req *policy.Request) (*http.Response, error) {
	h(req.Raw())
	return req.Next()
}

// hear gives the world another client, whose requests are heard of before they leave.
func (w *world) hear(t *testing.T, hear func(*http.Request)) {
	t.Helper()
	options := w.cloud.ClientOptions()
	options.PerCallPolicies = []policy.Policy{hook(hear)}
	client, err := azure.New(azure.Options{Endpoint: w.cloud.Endpoint, Credential: w.cloud.Credential(), Client: options, Sleep: quick{}.Sleep})
	if err != nil {
		t.Fatal(err)
	}
	w.Client = client
}

// doCut does a step whose run is stopped when its k-th request leaves.
func (w *world) doCut(t *testing.T, task *Task, k int64) error {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var left atomic.Int64
	left.Store(k)
	w.hear(t, func(*http.Request) {
		if left.Add(-1) == 0 {
			stop()
		}
	})
	return w.find(t, task).Do(ctx, task)
}

// ask sends a request as somebody else would, and fails the test when it is refused.
func (w *world) ask(t *testing.T, method, path string, body any) map[string]any {
	t.Helper()
	answer := w.cloud.Await(t, method, path, body)
	if answer.Status >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, answer.Status, answer.Body)
	}
	if len(answer.Body) == 0 {
		return nil
	}
	return answer.JSON(t)
}

// secrets is what the service tells when it is asked for secrets, as one text.
func (w *world) secrets(t *testing.T, id, verb string) string {
	t.Helper()
	text, err := json.Marshal(w.ask(t, http.MethodPost, id+"/"+verb, map[string]any{}))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sent counts the requests of a method whose path ends so.
func (m *memory) sent(method, end string) int {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	n := 0
	for _, e := range m.entries {
		if e.method == method && strings.HasSuffix(strings.ToLower(e.path), strings.ToLower(end)) {
			n++
		}
	}
	return n
}

// remarked reports whether a remark of a kind says something.
func (m *memory) remarked(kind, text string) bool {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, r := range m.remarks {
		if strings.Contains(r, " "+kind+" ") && strings.Contains(r, text) {
			return true
		}
	}
	return false
}

// seal saves the secrets of a subject.
func (w *world) seal(t *testing.T, path string) {
	t.Helper()
	task := w.task(plan.SaveSecrets, w.below(path), nil)
	if err := w.find(t, task).Do(t.Context(), task); err != nil {
		t.Fatalf("seal the secrets of %s: %v", path, err)
	}
}
