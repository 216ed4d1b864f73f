package control_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/authorization"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
)

// broken is a store that does not write a registration as often as it is asked to.
type broken struct {
	store.Store
	times *int
}

func (b broken) Update(ctx context.Context, fn func(store.Tx) error) error {
	return b.Store.Update(ctx, func(tx store.Tx) error { return fn(brokenTx{tx, b.times}) })
}

type brokenTx struct {
	store.Tx
	times *int
}

func (b brokenTx) Save(ctx context.Context, n store.Node) error {
	if n.Type == "providers" && *b.times > 0 {
		*b.times--
		return errors.New("broken by intent")
	}
	return b.Tx.Save(ctx, n)
}

// A registration that cannot be ended is as it was before and can be asked for again: else it would be under way for ever, and whoever waits for it too.
func TestARegistrationThatIsGivenUpCanBeAskedForAgain(t *testing.T) {
	t.Parallel()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	times := 0
	c := neighbourtest.Over(t, broken{s, &times}, things(), authorization.Types())
	err = c.Engine.Clock.Set(t.Context(), c.Store, func(s *operation.ClockState) {
		s.Durations = map[string]time.Duration{"provider.register": time.Minute, "provider.unregister": time.Minute}
	})
	if err != nil {
		t.Fatal(err)
	}
	const namespace = "/subscriptions/" + neighbourtest.Source + "/providers/Microsoft.Test"
	for _, r := range []struct{ verb, passing, before, after string }{
		{"unregister", "Unregistering", "Registered", "Unregistered"}, {"register", "Registering", "NotRegistered", "Registered"},
	} {
		begin(c, http.MethodPost, namespace+"/"+r.verb, "")
		neighbourtest.Want(t, c.Get(namespace), "registrationState", r.passing)
		times = 1
		pass(c, time.Minute)
		neighbourtest.Want(t, c.Get(namespace), "registrationState", r.before)
		begin(c, http.MethodPost, namespace+"/"+r.verb, "")
		pass(c, time.Minute)
		neighbourtest.Want(t, c.Get(namespace), "registrationState", r.after)
	}
}
