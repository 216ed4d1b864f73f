package sqlite

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // files of other programs

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// filled makes a store with some content, closed again.
func filled(t *testing.T, path string) {
	t.Helper()
	s := mustOpen(t, path)
	for i := range 200 {
		insert(t, s, fmt.Sprint("n", i))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustOpen(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func insert(t *testing.T, s *Store, name string) {
	t.Helper()
	err := s.Update(t.Context(), func(tx store.Tx) error {
		return tx.Insert(t.Context(), &store.Node{Type: "t", Name: name, Body: make([]byte, 300)})
	})
	if err != nil {
		t.Fatalf("insert %s: %v", name, err)
	}
}

func TestOpenRefusesWhatIsNotAStore(t *testing.T) {
	t.Parallel()
	cut := func(keep func(size int64) int64) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			filled(t, path)
			info, err := os.Stat(path)
			if err == nil {
				err = os.Truncate(path, keep(info.Size()))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	write := func(text string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	script := func(first func(*testing.T, string), text string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			first(t, path)
			db, err := sql.Open("sqlite", path)
			if err == nil {
				_, err = db.Exec(text)
			}
			if err == nil {
				err = db.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	nothing := func(*testing.T, string) {}
	for _, try := range []struct {
		name string
		make func(*testing.T, string)
		kind errs.Kind
		code string
	}{
		{"text", write("hello, I am no database and long enough to have a header" + strings.Repeat(".", 100)), errs.Invalid, "StoreForeign"},
		{"an empty file", write(""), errs.Invalid, "StoreForeign"},
		{"half a header", cut(func(int64) int64 { return 50 }), errs.Invalid, "StoreForeign"},
		{"the first page", cut(func(int64) int64 { return 4096 }), errs.Internal, "StoreCorrupt"},
		{"half a file", cut(func(size int64) int64 { return size / 2 / 4096 * 4096 }), errs.Internal, "StoreCorrupt"},
		{"a database of another program", script(nothing, `CREATE TABLE x (y)`), errs.Invalid, "StoreForeign"},
		{"a newer schema", script(filled, `PRAGMA user_version = 4711`), errs.Unsupported, "StoreTooNew"},
	} {
		t.Run(try.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "cloud.db")
			try.make(t, path)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Open(t.Context(), path)
			refused(t, err, try.kind, try.code, path)
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
				t.Errorf("the file was touched (%v)", err)
			}
			_, err = Open(t.Context(), path) // the refusal gave the lock free
			refused(t, err, try.kind, try.code, path)
		})
	}
}

// refused asks for an error of a kind that names the file and says what to do.
func refused(t *testing.T, err error, kind errs.Kind, code, path string) {
	t.Helper()
	e := errs.As(err)
	if e == nil || e.Kind != kind || e.Code != code {
		t.Fatalf("got %v, want %v %s", err, kind, code)
	}
	if !strings.Contains(e.Message, path) || e.Hint == "" {
		t.Errorf("message %q and hint %q should name %s and help", e.Message, e.Hint, path)
	}
}

func TestOpenRefusesPlaces(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	orphan := filepath.Join(folder, "orphan.db")
	if err := os.WriteFile(orphan+"-wal", []byte("log"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, code := range map[string]string{
		"":                                   "StorePathInvalid",
		filepath.Join(folder, "no", "where"): "StoreFolderMissing",
		filepath.Join(file, "below"):         "StoreNotCreated",
		folder:                               "StoreForeign",
		orphan:                               "StoreMissing",
	} {
		_, err := Open(t.Context(), path)
		if e := errs.As(err); e == nil || e.Code != code {
			t.Errorf("open %q: got %v, want %s", path, err, code)
		}
	}
}

func TestASecondOpenIsRefused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, link := filepath.Join(folder, "cloud.db"), filepath.Join(folder, "link.db")
	s := mustOpen(t, path)
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, link} {
		_, err := Open(t.Context(), name)
		refused(t, err, errs.Conflict, "StoreLocked", path)
		if !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
			t.Errorf("%v should name process %d", err, os.Getpid())
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	insert(t, mustOpen(t, link), "after")
}

func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := mustOpen(t, filepath.Join(folder, "cloud.db"))
	insert(t, s, "a")
	if _, err := s.Stats(t.Context()); err != nil { // opens a reader
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) < 3 {
		t.Fatalf("got %v, %v", entries, err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v (%v)", entry.Name(), info.Mode(), err)
		}
	}
}

func TestADraftThatAKilledProcessLeftIsReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cloud.db")
	for _, name := range []string{path + ".new", path + ".new-wal"} {
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	insert(t, mustOpen(t, path), "a")
}
