package snapshot

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
)

// whole is the bytes of a good snapshot with some pages.
func whole(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "good")
	var bodies []string
	for i := range 50 {
		bodies = append(bodies, fmt.Sprintf("/d/%d", i), `{"v":"`+strings.Repeat("x", 3000)+`"}`)
	}
	write(t, path, bodies...)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// edit changes a snapshot by SQL, behind our back.
func edit(t *testing.T, data []byte, change string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "edit")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	edited, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return edited
}

func TestWhatIsNoWholeSnapshotIsRefusedWithAdvice(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), whole(t)
	for _, c := range []struct {
		name string
		data []byte
		code string
	}{
		{"a text", []byte("hello"), "SnapshotForeign"},
		{"nothing", nil, "SnapshotForeign"},
		{"a database of somebody else", edit(t, data, "PRAGMA application_id = 7"), "SnapshotForeign"},
		{"a newer format", edit(t, data, "PRAGMA user_version = 99"), "SnapshotNewer"},
		{"half of it", data[:len(data)/2], "SnapshotTruncated"},
		{"a page short", data[:len(data)-4096], "SnapshotTruncated"},
		{"no end", edit(t, data, "DELETE FROM header"), "SnapshotIncomplete"},
		{"an end that denies itself", edit(t, data, `UPDATE header SET value = json_set(value, '$.complete', json('false'))`), "SnapshotIncomplete"},
		{"without its table", edit(t, data, "DROP TABLE header"), "SnapshotDamaged"},
	} {
		path := filepath.Join(dir, "case")
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), path)
		if e := errs.As(err); e == nil || e.Code != c.code || e.Hint == "" || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	if _, err := Open(t.Context(), filepath.Join(dir, "nowhere")); !errs.Is(err, errs.NotFound) {
		t.Errorf("no file: %v", err)
	}
}

func TestVerifyFindsWhatWasTamperedWith(t *testing.T) {
	t.Parallel()
	data := whole(t)
	for _, change := range []string{`UPDATE document SET body = CAST(replace(CAST(body AS TEXT), 'x', 'y') AS BLOB) WHERE key = '/d/7'`, `DELETE FROM document WHERE key = '/d/7'`} {
		path := filepath.Join(t.TempDir(), "tampered")
		if err := os.WriteFile(path, edit(t, data, change), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := open(t, path).Verify(t.Context()); errs.As(err) == nil || errs.As(err).Code != "SnapshotDamaged" {
			t.Errorf("%s: got %v", change, err)
		}
	}
}
