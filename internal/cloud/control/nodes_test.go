package control_test

import (
	"context"
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/amlmove/amlmove/internal/cloud/authorization"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/postgres"
	"github.com/amlmove/amlmove/internal/cloud/store/postgres/pgtest"
	"github.com/amlmove/amlmove/internal/errs"
)

var pg = pgtest.Server{NoSync: true}

func TestMain(m *testing.M) { os.Exit(pg.Main(m)) }

// nodes are two nodes of one cloud that share a database, and a place in the middle of what one does where the other one comes in between.
type nodes struct {
	t           *testing.T
	here, there *neighbourtest.Cloud
	watch       *pgx.Conn
	between     atomic.Pointer[func()] // called once, in a transaction of here
}

// mark is a document that may be bound to a thing, or to a part of it.
const mark = "/providers/Microsoft.Test/marks/m"

func newNodes(t *testing.T) *nodes {
	t.Helper()
	n := &nodes{t: t}
	dsn := pg.Database(t)
	var stores []store.Store
	for range 2 {
		s, err := postgres.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		stores = append(stores, s)
	}
	hook := func(*provider.Call) error { n.come(); return nil }
	n.here = neighbourtest.Over(t, halting{stores[0], n}, []provider.Type{{Name: "Microsoft.Test/things", Tracked: true, Stateful: true, Put: hook, Gone: hook},
		{Name: "Microsoft.Test/slow", Tracked: true, AsyncDelete: true}, {Name: "Microsoft.Test/slow/parts"}, {Name: "Microsoft.Test/slow/parts/bits"},
		{Name: "Microsoft.Test/things/parts", Gone: hook}, {Name: "Microsoft.Test/marks", Extension: true, Put: hook}}, authorization.Types())
	n.there = n.here.Node(stores[1])
	var err error
	if n.watch, err = pgx.Connect(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.watch.Close(context.Background()) })
	return n
}

// come lets the other node come in between, if it is asked to.
func (n *nodes) come() {
	if between := n.between.Swap(nil); between != nil {
		(*between)()
	}
}

// meanwhile has there send a request as soon as here is in the middle of what it does next. here goes on when the request is answered or has to wait for it. What is returned waits
// for the answer.
func (n *nodes) meanwhile(method, path, body, ifMatch, ifNoneMatch string) func() error {
	done, answered := make(chan struct{}), error(nil)
	between := func() {
		go func() {
			defer close(done)
			_, answered = send(n.there, method, path, body, ifMatch, ifNoneMatch)
		}()
		for waiting := 0; waiting == 0; {
			select {
			case <-done:
				return
			default:
			}
			err := n.watch.QueryRow(n.t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
			if err != nil {
				n.t.Error(err)
				return
			}
		}
	}
	n.between.Store(&between)
	return func() error {
		n.t.Helper()
		if n.between.Load() != nil {
			n.t.Fatalf("nothing came between for %s %s", method, path)
		}
		<-done
		return answered
	}
}

// halting is a store whose transactions let the other node in before they save a registration.
type halting struct {
	store.Store
	n *nodes
}

func (h halting) Update(ctx context.Context, fn func(store.Tx) error) error {
	return h.Store.Update(ctx, func(tx store.Tx) error { return fn(haltingTx{tx, h.n}) })
}

type haltingTx struct {
	store.Tx
	n *nodes
}

func (h haltingTx) Save(ctx context.Context, n store.Node) error {
	if n.Type == "providers" {
		h.n.come()
	}
	return h.Tx.Save(ctx, n)
}

// What is bound to a scope is there as long as the scope: it is not acknowledged and dropped by the deletion that it met, nor does it outlive it.
func TestWhatIsBoundMeetsADeletion(t *testing.T) {
	t.Parallel()
	n := newNodes(t)
	part := thing + "/parts/p"
	for _, deleted := range []string{thing, part} {
		n.here.Put(thing, plain)
		n.here.Put(part, `{}`)
		deletion := n.meanwhile(http.MethodDelete, deleted, "", "", "")
		if _, err := n.here.Try(http.MethodPut, part+mark, `{}`); err != nil {
			t.Errorf("a document that came before the deletion of %s: %v", deleted, err)
		}
		if err := deletion(); err != nil {
			t.Errorf("the deletion of %s: %v", deleted, err)
		}
		if bound := n.here.Bound(part); len(bound) > 0 {
			t.Errorf("%v outlived %s", bound, deleted)
		}

		n.here.Put(thing, plain)
		n.here.Put(part, `{}`)
		put := n.meanwhile(http.MethodPut, part+mark, `{}`, "", "")
		n.here.Delete(deleted)
		if err := put(); !errs.Is(err, errs.NotFound) {
			t.Errorf("a document that came during the deletion of %s was answered %v", deleted, err)
		}
		if bound := n.here.Bound(part); len(bound) > 0 {
			t.Errorf("%v outlived %s", bound, deleted)
		}
	}
}

// Of two who change the same document under the same condition one hears that the other was quicker.
func TestConditionsOnWhatIsBoundHoldAcrossNodes(t *testing.T) {
	t.Parallel()
	n := newNodes(t)
	n.here.Put(thing, plain)
	made := ""
	for _, c := range []struct{ name, method, ifMatch, ifNoneMatch string }{
		{"both make it", http.MethodPut, "", "*"}, {"both change it", http.MethodPut, "etag", ""}, {"one changes it, one deletes it", http.MethodDelete, "etag", ""},
	} {
		if c.ifMatch != "" {
			c.ifMatch = made
		}
		other := n.meanwhile(c.method, thing+mark, `{}`, c.ifMatch, c.ifNoneMatch)
		first, err := send(n.here, http.MethodPut, thing+mark, `{"properties":{"mine":true}}`, c.ifMatch, c.ifNoneMatch)
		if err != nil {
			t.Errorf("%s: the first one: %v", c.name, err)
		}
		if err := other(); !errs.Is(err, errs.Precondition) {
			t.Errorf("%s: the second one: %v", c.name, err)
		}
		neighbourtest.Want(t, n.here.Get(thing+mark), "properties.mine", true)
		made = first.ETag
	}
}

// The end of an unregistration does not write over the registration that came before it.
func TestARegistrationIsNotUndoneByTheUnregistrationBeforeIt(t *testing.T) {
	t.Parallel()
	n := newNodes(t)
	namespace := "/subscriptions/" + neighbourtest.Source + "/providers/Microsoft.Test"
	if _, err := n.there.Try(http.MethodPost, namespace+"/unregister", ""); err != nil {
		t.Fatal(err)
	}
	registration := n.meanwhile(http.MethodPost, namespace+"/register", "", "", "")
	n.here.Settle()
	if err := registration(); err != nil {
		t.Fatal(err)
	}
	n.there.Settle()
	neighbourtest.Want(t, n.here.Get(namespace), "registrationState", "Registered")
}

// A node that remembers a resource hears that another node deletes it, when it is asked to write below it.
func TestNothingIsWrittenBelowWhatAnotherNodeDeletes(t *testing.T) {
	t.Parallel()
	n := newNodes(t)
	slow := at + "slow/s"
	n.there.Put(slow, plain)
	n.there.Put(slow+"/parts/p", `{}`)
	n.there.Put(slow+"/parts/p/bits/b", `{}`)
	if _, err := n.here.Try(http.MethodDelete, slow, ""); err != nil {
		t.Fatal(err)
	}
	for _, below := range []string{"/parts/p", "/parts/q", "/parts/p/bits/b", "/parts/p/bits/c"} {
		n.there.Refused(http.MethodPut, slow+below, `{}`, errs.Conflict, "AnotherOperationInProgress")
	}
	n.here.Settle()
	n.there.Put(slow, plain)
	n.there.Put(slow+"/parts/p", `{}`)
}

// A resource that meets the deletion of its group goes with it or is refused: at the request, and when the group goes.
func TestAResourceMeetsTheDeletionOfItsGroup(t *testing.T) {
	t.Parallel()
	n := newNodes(t)
	deletion := n.meanwhile(http.MethodDelete, neighbourtest.Group, "", "", "")
	if _, err := n.here.Try(http.MethodPut, thing, plain); err != nil {
		t.Errorf("a resource that came before: %v", err)
	}
	if err := deletion(); err != nil {
		t.Errorf("the deletion: %v", err)
	}
	n.here.Refused(http.MethodPut, thing, plain, errs.Conflict, "ResourceGroupBeingDeleted")
	put := n.meanwhile(http.MethodPut, at+"things/t2", plain, "", "")
	n.here.Settle()
	if err := put(); !errs.Is(err, errs.NotFound) {
		t.Errorf("a resource that came when the group went was answered %v", err)
	}
	n.here.Do(http.MethodPut, neighbourtest.Group, `{"location":"westeurope"}`)
	for _, name := range []string{"t1", "t2"} {
		n.there.Refused(http.MethodGet, at+"things/"+name, "", errs.NotFound, "ResourceNotFound")
	}
}
