package crash

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// rows is the store seen from outside: by SQL, without any code of ours.
type rows struct {
	db     *sql.DB
	prefix string // of the tables
}

// openRows opens the store of a node for reading.
func openRows(t *testing.T, n *node) *rows {
	t.Helper()
	r := &rows{}
	var err error
	if n.dsn == "" {
		r.db, err = sql.Open("sqlite", "file:"+filepath.Join(n.dir, "cloud.db")+"?mode=ro&_pragma=busy_timeout(10000)")
	} else {
		r.db, err = sql.Open("pgx", strings.Replace(n.dsn, "application_name=crash-", "application_name=judge-", 1))
		r.prefix = "cloud_"
	}
	if err != nil {
		t.Fatal(err)
	}
	r.db.SetMaxOpenConns(1)
	return r
}

func (r *rows) close() { _ = r.db.Close() }

// list runs a query and hands each line to scan. "{" and "}" in the query stand around names of tables.
func (r *rows) list(t *testing.T, query string, scan func(*sql.Rows) error, args ...any) {
	t.Helper()
	query = strings.NewReplacer("{", r.prefix, "}", "").Replace(query)
	lines, err := r.db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = lines.Close() }()
	for lines.Next() {
		if err := scan(lines); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// column returns the lines of a query that yields one text each.
func (r *rows) column(t *testing.T, query string) (all []string) {
	t.Helper()
	r.list(t, query, func(line *sql.Rows) error {
		var text string
		err := line.Scan(&text)
		all = append(all, text)
		return err
	})
	return all
}

// running are the operations that have not ended.
func (r *rows) running(t *testing.T) []string {
	t.Helper()
	return r.column(t, `SELECT kind FROM {operation} WHERE ended IS NULL`)
}

// none complains about every line that a query yields.
func (r *rows) none(t *testing.T, what, query string) {
	t.Helper()
	if all := r.column(t, query); len(all) > 0 {
		t.Errorf("%d times %s: %.500q", len(all), what, all)
	}
}

// line is one node of the tree.
type line struct {
	id, parent      int64
	typ, name, flag string
	body            []byte
}

// path renders the id of a line from its chain; false when the chain does not end at the top.
func (n line) path(by map[int64]line) (string, bool) {
	var hops []string
	for at := n; ; {
		switch {
		case strings.HasPrefix(at.typ, "!"):
		case strings.Contains(at.typ, "/"):
			hops = append(hops, "providers/"+at.typ+"/"+at.name)
		default:
			hops = append(hops, at.typ+"/"+at.name)
		}
		if at.parent == 0 {
			break
		}
		next, found := by[at.parent]
		if !found {
			return "", false
		}
		at = next
	}
	slices.Reverse(hops)
	return strings.ToLower("/" + strings.Join(hops, "/")), true
}

// public is what a client may see of a stored body.
func public(t *testing.T, body []byte) map[string]any {
	t.Helper()
	seen, _, _ := bytes.Cut(body, []byte{0})
	if len(seen) == 0 || seen[0] != '{' {
		return nil
	}
	var doc map[string]any
	if err := json.Unmarshal(seen, &doc); err != nil {
		t.Errorf("a stored document cannot be read: %v: %.200s", err, body)
	}
	return doc
}

// tree reads everything that is in sight, by lower-case id, and complains about what is not sound.
func (r *rows) tree(t *testing.T) map[string]line {
	t.Helper()
	by := map[int64]line{}
	r.list(t, `SELECT id, parent, type, name, flag, body FROM {node}`, func(lines *sql.Rows) error {
		var n line
		err := lines.Scan(&n.id, &n.parent, &n.typ, &n.name, &n.flag, &n.body)
		by[n.id] = n
		return err
	})
	seen := map[string]line{}
	for _, n := range by {
		path, whole := n.path(by)
		if !whole || strings.HasPrefix(n.typ, "!") {
			continue // in the trash, or hidden
		}
		if other, double := seen[path]; double {
			t.Errorf("%s stands twice in the store: nodes %d and %d", path, n.id, other.id)
		}
		seen[path] = n
	}
	return seen
}

// sound checks what must hold of a store at rest whatever was written to it.
func (r *rows) sound(t *testing.T) {
	t.Helper()
	r.none(t, "an operation runs", `SELECT kind FROM {operation} WHERE ended IS NULL`)
	r.none(t, "an operation failed", `SELECT kind FROM {operation} WHERE status >= 500`)
	r.none(t, "a node has a flag", `SELECT type || '/' || name || ' is ' || flag FROM {node} WHERE flag <> '' AND parent <> -1`)
	r.none(t, "a node has no parent", `SELECT n.type || '/' || n.name FROM {node} n LEFT JOIN {node} p ON p.id = n.parent WHERE n.parent > 0 AND p.id IS NULL`)
	r.none(t, "a name is doubled", `SELECT lower(type) || '/' || lower(name) FROM {node} WHERE parent >= 0 GROUP BY parent, lower(type), lower(name) HAVING count(*) > 1`)
	if r.prefix == "" {
		if said := r.column(t, `PRAGMA integrity_check`); len(said) != 1 || said[0] != "ok" {
			t.Errorf("the file is damaged: %q", said)
		}
	}
}
