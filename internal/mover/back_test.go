package mover

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/mover/action"
)

type badge struct{}

func (badge) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "a.e30.c", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// lagging are effects of a world in which what is being removed looks untouched until its operation has ended.
type lagging struct {
	effects
	ended *atomic.Bool
}

func (l lagging) Find(kind string) (action.Action, error) {
	return lag{effect{l.effects}, l.ended}, nil
}

type lag struct {
	effect
	ended *atomic.Bool
}

func (l lag) Undo(ctx context.Context, t *action.Task) error {
	if t.Step.Subject == "compute" && !l.ended.Load() {
		return nil // it stands: there is nothing to take back
	}
	return l.effect.Undo(ctx, t)
}

// TestAWayBackWaitsForWhatTheWayForwardBegan: a process is killed while a removal is under way, and the run is taken back. What is removed may look untouched for a while; what is then not
// made again is lost when the removal ends.
func TestAWayBackWaitsForWhatTheWayForwardBegan(t *testing.T) {
	t.Parallel()
	ended, asked, stranger := &atomic.Bool{}, atomic.Int64{}, atomic.Bool{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if stranger.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if asked.Add(1) < 3 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusAccepted)
			return
		}
		ended.Store(true)
	}))
	t.Cleanup(server.Close)
	client, err := azure.New(azure.Options{Endpoint: server.URL, Credential: badge{}, Sleep: func(context.Context, time.Duration) error { return nil }, Client: policy.ClientOptions{
		Transport: server.Client(), Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: server.URL,
			Services: map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: server.URL, Audience: server.URL}}}}})
	if err != nil {
		t.Fatal(err)
	}
	f, s := play(t, act())
	o := Options{Actions: effects{stage: s, fail: map[string]bool{"validate": true}}, NoRollback: true, Client: client}
	record, err := perform(t, f, o, func(r *Run, ctx context.Context) (Record, error) {
		record, err := r.Forward(ctx)
		if err != nil {
			return record, err
		}
		n, err := r.journal.Begin(ctx, "compute", false, http.MethodDelete, "/computes/c") // as of a process that was killed behind the answer
		if err == nil {
			err = r.journal.Answered(ctx, n, azure.Trace{Status: http.StatusAccepted, Location: server.URL + "/operations/1"})
		}
		return record, err
	})
	if err != nil || record.State != Failed {
		t.Fatal(record, err)
	}
	stranger.Store(true) // whoever is not signed in any more cannot ask how it ended
	if record, err = perform(t, f, Options{Actions: lagging{effects{stage: s}, ended}, Client: client}, (*Run).Back); err != nil || record.State != Failed {
		t.Fatalf("nobody is signed in, and the run is %s (%s), %v", record.State, record.Reason, err)
	}
	stranger.Store(false)
	record, err = perform(t, f, Options{Actions: lagging{effects{stage: s}, ended}, Client: client}, (*Run).Back)
	if err != nil || record.State != RolledBack {
		t.Fatalf("the run is %s (%s), %v", record.State, record.Reason, err)
	}
	wantEffects(t, s)
}
