package crash

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"testing"
)

// edit changes the store of a dead node behind its back.
func (n *node) edit(t *testing.T, query string, args ...any) {
	t.Helper()
	driver, at := "pgx", n.dsn
	if n.dsn == "" {
		driver, at = "sqlite", "file:"+filepath.Join(n.dir, "cloud.db")
	}
	db, err := sql.Open(driver, at)
	if err == nil {
		_, err = db.ExecContext(t.Context(), query, args...)
	}
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// TestAMoveThatIsGivenUpLeavesNoGroupLocked damages a document below a move that runs. No start can finish that move: it ends as failed, its groups are
// free, and everything is where it was.
func TestAMoveThatIsGivenUpLeavesNoGroupLocked(t *testing.T) {
	t.Parallel()
	for name, dsn := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNode(t, dsn(t))
			n.start(t)
			c := n.client(t)
			w := settle(t, c, n.state(t).Subscriptions)
			c.setDurations(t, map[string]string{"move.validate": "1s"})
			p := w.pairs[0]
			o := &order{places: p.places[:2], from: p.sides[0], to: p.sides[1]}
			o.operation = c.must(t, http.MethodPost, o.from+"/moveResources", o.body()).operation()
			n.kill()
			n.vanish(t)
			r := openRows(t, n)
			var body []byte
			r.list(t, `SELECT body FROM {node} WHERE name = 'ws00'`, func(line *sql.Rows) error { return line.Scan(&body) })
			r.close()
			table := r.prefix + "node"
			n.edit(t, `UPDATE `+table+` SET body = $1 WHERE name = 'ws00'`, []byte("{ damaged"))
			n.start(t)
			if last := c.ended(t, o.operation); last.status != http.StatusInternalServerError {
				t.Errorf("the move ended with %d: %s", last.status, last.body)
			}
			n.kill()
			n.vanish(t)
			n.edit(t, `UPDATE `+table+` SET body = $1 WHERE name = 'ws00'`, body)
			n.start(t)
			w.judgePlaces(t, c)
			w.judgeGroups(t, c)
			o.operation = c.must(t, http.MethodPost, o.from+"/moveResources", o.body()).operation()
			p.open = o
			p.settle(t, c)
			w.judgePlaces(t, c)
			if p.moved != 1 {
				t.Error("the repaired workspace did not move")
			}
		})
	}
}
