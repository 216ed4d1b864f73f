package crash

import (
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// twins are two nodes of one cloud on PostgreSQL, each with a client of its own: a token is good for one address only.
func twins(t *testing.T, durations map[string]string) (a, b *node, w *world) {
	t.Helper()
	dsn := server.Database(t)
	a, b = newNode(t, dsn), newNode(t, dsn)
	a.start(t)
	b.start(t)
	a.client(t).setDurations(t, durations)
	return a, b, settle(t, a.client(t), a.state(t).Subscriptions)
}

// TestTheOtherNodeFinishesAMove kills the node that began a move while it runs (issue: two nodes on PostgreSQL).
func TestTheOtherNodeFinishesAMove(t *testing.T) {
	t.Parallel()
	for name, durations := range map[string]map[string]string{
		"while it is validated": {"move.validate": "1500ms", "move.move": "100ms"},
		"while it is moved":     {"move.validate": "0s", "move.move": "1500ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, w := twins(t, nil)
			a.client(t).setDurations(t, durations)
			p := w.pairs[0]
			o := &order{places: p.places[:2], from: p.sides[0], to: p.sides[1]}
			model := o.places[1].path() + "/models/kept/versions/1"
			a.client(t).follow(t, http.MethodPut, model, kindNamed("model").body("kept", "kept"))
			operation := a.client(t).must(t, http.MethodPost, o.from+"/moveResources", o.body()).operation()
			if poll := a.client(t).must(t, http.MethodGet, operation, nil); !running(poll) {
				t.Fatalf("the move ended before the kill: %d", poll.status)
			}
			a.kill()
			c := b.client(t)
			for _, group := range p.sides {
				if got := text(c.get(t, group), "properties.provisioningState"); got != "MovingResources" {
					t.Errorf("the group %s is %s while the move runs", group, got)
				}
				refused, err := c.do(t.Context(), http.MethodPatch, group, object{"tags": object{"during": "the move"}})
				if err != nil || refused.status != http.StatusConflict {
					t.Errorf("a write to %s during the move was answered %d (%v)", group, refused.status, err)
				}
			}
			if last := c.ended(t, operation); last.status != http.StatusNoContent {
				t.Fatalf("the move ended with %d: %s", last.status, last.body)
			}
			p.open = o
			p.settle(t, c)
			w.judgePlaces(t, c)
			w.judgeGroups(t, c)
			if c.get(t, o.places[1].path()+"/models/kept/versions/1") == nil {
				t.Error("the model did not come along")
			}
			a.start(t)
			w.judgePlaces(t, a.client(t))
			r := openRows(t, b)
			defer r.close()
			r.sound(t)
		})
	}
}

// TestTwoNodesServeOneState writes at one node and reads at the other, at once.
func TestTwoNodesServeOneState(t *testing.T) {
	t.Parallel()
	a, b, w := twins(t, nil)
	for i, from := range []*client{a.client(t), b.client(t)} {
		to := []*client{b.client(t), a.client(t)}[i]
		other := []*node{b, a}[i]
		path := w.steady.path()
		for n := range 20 {
			token := fmt.Sprintf("t%d-%d", i, n)
			th := &thing{kind: kindNamed("datastore"), home: w.steady, name: "seen", can: []string{token}}
			from.must(t, http.MethodPut, th.path(), th.body(th.name, token))
			th.seen(t, "the other node", to.get(t, th.path()))
		}
		// A role that is given at one node counts at the other for the next request, and so does its end.
		s := other.state(t)
		robot := to.as(t, s, "reader")
		group := w.groups[0]
		write := func() int {
			said, err := robot.do(t.Context(), http.MethodPatch, group, object{"tags": object{"by": "the reader"}})
			if err != nil {
				t.Fatal(err)
			}
			return said.status
		}
		assignment := fmt.Sprintf("%s/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-00000000000%d", group, i)
		role := "/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c" // Contributor
		for range 10 {
			if got := write(); got != http.StatusForbidden {
				t.Fatalf("without the role a write is answered %d", got)
			}
			from.must(t, http.MethodPut, assignment, object{"properties": object{"roleDefinitionId": role, "principalId": objectID(s, "reader")}})
			if got := write(); got != http.StatusOK {
				t.Fatalf("with the role a write is answered %d", got)
			}
			from.must(t, http.MethodDelete, assignment, nil)
		}
		lock := path + "/providers/Microsoft.Authorization/locks/still"
		for range 10 {
			from.must(t, http.MethodPut, lock, object{"properties": object{"level": "ReadOnly"}})
			locked, err := to.do(t.Context(), http.MethodPut, path+"/datastores/seen", kindNamed("datastore").body("seen", "locked"))
			if err != nil || locked.status != http.StatusConflict || locked.code() != "ScopeLocked" {
				t.Fatalf("a write below a lock is answered %d %s (%v)", locked.status, locked.code(), err)
			}
			from.must(t, http.MethodDelete, lock, nil)
			to.must(t, http.MethodPut, path+"/datastores/seen", kindNamed("datastore").body("seen", "free"))
		}
	}
}

// objectID finds a principal.
func objectID(s state, name string) string {
	for _, p := range s.Principals {
		if p.Name == name {
			return p.ObjectID
		}
	}
	return ""
}

// TestNoOperationIsDoneTwice lets both nodes race for many operations that come due together. PostgreSQL itself counts how often one ends, and refuses a
// write to one that has ended.
func TestNoOperationIsDoneTwice(t *testing.T) {
	t.Parallel()
	a, b, w := twins(t, map[string]string{"computes.put": "700ms", "job.run": "500ms", "move.move": "300ms"})
	db, err := sql.Open("pgx", a.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(t.Context(), `
		CREATE TABLE judge_end (operation text, kind text);
		CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF OLD.ended IS NOT NULL THEN RAISE EXCEPTION 'operation % is written after its end', OLD.id; END IF;
			IF NEW.ended IS NOT NULL THEN INSERT INTO judge_end VALUES (NEW.id, NEW.kind); END IF;
			RETURN NEW; END $$;
		CREATE TRIGGER judge BEFORE UPDATE ON cloud_operation FOR EACH ROW EXECUTE FUNCTION judge()`)
	if err != nil {
		t.Fatal(err)
	}
	clients := []*client{a.client(t), b.client(t)}
	var operations []string
	for i := range 20 {
		c := clients[i%2]
		operations = append(operations, c.must(t, http.MethodPut, fmt.Sprintf("%s/computes/raced-%d", w.steady.path(), i), kindNamed("compute").body("", "x")).operation())
		c.must(t, http.MethodPut, fmt.Sprintf("%s/jobs/raced-%d", w.steady.path(), i), kindNamed("job").body("", "x"))
	}
	for i, p := range w.pairs {
		o := &order{places: p.places[:2], from: p.sides[0], to: p.sides[1]}
		p.open = o
		o.operation = clients[i].must(t, http.MethodPost, o.from+"/moveResources", o.body()).operation()
		operations = append(operations, o.operation)
	}
	for i, operation := range operations {
		if last := clients[i%2].ended(t, operation); !succeeded(last) {
			t.Errorf("%s ended with %d: %s", operation, last.status, last.body)
		}
	}
	r := openRows(t, a)
	defer r.close()
	eventually(t, "no operation runs", func() bool { return len(r.running(t)) == 0 })
	r.none(t, "an operation ended more than once", `SELECT kind FROM judge_end GROUP BY operation, kind HAVING count(*) > 1`)
	r.none(t, "an operation ended unseen", `SELECT kind FROM cloud_operation o WHERE ended IS NOT NULL AND created > (SELECT min(created) FROM cloud_operation c JOIN judge_end ON operation = id) AND NOT EXISTS (SELECT FROM judge_end WHERE operation = o.id)`)
	for _, p := range w.pairs {
		p.settle(t, clients[0])
	}
	w.judgePlaces(t, clients[0])
	w.judgeGroups(t, clients[0])
	r.sound(t)
	for _, n := range []*node{a, b} {
		for _, line := range n.log.complaints() {
			t.Errorf("the node at %s: %s", n.address, line)
		}
	}
}

// TestANameIsGivenOnce makes accounts of the same name in two groups through two nodes at once: names are unique everywhere, and one of the two wins. So it
// is for a name that somebody had before.
func TestANameIsGivenOnce(t *testing.T) {
	t.Parallel()
	a, b, w := twins(t, nil)
	clients := []*client{a.client(t), b.client(t)}
	body := object{"location": "eastus", "kind": "StorageV2", "sku": object{"name": "Standard_LRS"}, "properties": object{}}
	for round := range 20 {
		name := fmt.Sprintf("wanted%d", round/4) // each name is made and deleted four times
		said := make(chan answer, 2)
		for i, c := range clients {
			go func() {
				got, err := c.do(t.Context(), http.MethodPut, w.pairs[0].sides[i]+accountType+name, body)
				if err != nil {
					t.Error(err)
				}
				said <- got
			}()
		}
		var codes []string
		won := 0
		for range clients {
			got := <-said
			codes = append(codes, fmt.Sprint(got.status, " ", got.code()))
			if got.good() {
				won++
			} else if got.code() != "StorageAccountAlreadyTaken" {
				t.Errorf("the loser was answered %d %s: %s", got.status, got.code(), got.body)
			}
		}
		if won != 1 {
			t.Fatalf("round %d: %d accounts of the name %s were made: %s", round, won, name, strings.Join(codes, ", "))
		}
		for _, side := range w.pairs[0].sides {
			if at := side + accountType + name; clients[0].get(t, at) != nil {
				clients[1].must(t, http.MethodDelete, at, nil)
			}
		}
	}
}

// TestTwoNodesMakeOneThing puts the same new document through both nodes at once: both are answered well, as one after the other would be.
func TestTwoNodesMakeOneThing(t *testing.T) {
	t.Parallel()
	a, b, w := twins(t, nil)
	began := time.Now()
	for round := range 20 {
		th := &thing{kind: kindNamed("model"), home: w.steady, name: fmt.Sprint("both", round), can: nil}
		said := make(chan answer, 2)
		for i, c := range []*client{a.client(t), b.client(t)} {
			token := fmt.Sprint("node", i)
			th.can = append(th.can, token)
			go func() {
				got, err := c.do(t.Context(), http.MethodPut, th.path(), th.body(th.name, token))
				if err != nil {
					t.Error(err)
				}
				said <- got
			}()
		}
		for range 2 {
			if got := <-said; !got.good() {
				t.Errorf("round %d was answered %d: %s", round, got.status, got.body)
			}
		}
		th.seen(t, "the API", a.client(t).get(t, th.path()))
	}
	t.Logf("20 rounds in %v", time.Since(began))
}

// TestNoProjectIsLostToItsHub lets projects join one hub through both nodes at once: each writes itself into the hub's document.
func TestNoProjectIsLostToItsHub(t *testing.T) {
	t.Parallel()
	a, b, w := twins(t, nil)
	group := w.steady.where()
	vault := text(a.client(t).get(t, w.steady.path()), "properties.keyVault")
	hub := group + workspaceType + "hub"
	a.client(t).follow(t, http.MethodPut, hub, object{"location": "eastus", "kind": "Hub", "identity": object{"type": "SystemAssigned"},
		"properties": object{"storageAccount": w.safe.path(), "keyVault": vault}})
	const each = 8
	var all sync.WaitGroup
	for i, c := range []*client{a.client(t), b.client(t)} {
		all.Go(func() {
			for n := range each {
				got, err := c.do(t.Context(), http.MethodPut, fmt.Sprintf("%s%sproject-%d-%d", group, workspaceType, i, n), object{"location": "eastus", "kind": "Project",
					"identity": object{"type": "SystemAssigned"}, "properties": object{"hubResourceId": hub}})
				if err != nil || !got.good() {
					t.Errorf("project %d of node %d was answered %d (%v): %s", n, i, got.status, err, got.body)
				}
			}
		})
	}
	all.Wait()
	members, _ := value(a.client(t).get(t, hub), "properties.associatedWorkspaces").([]any)
	if len(members) != 2*each {
		t.Errorf("the hub knows %d projects of %d: %v", len(members), 2*each, members)
	}
}
