package mover

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is kept of a database in the folder of a run, and said of it in errors, tells no password, in whatever form PostgreSQL takes one.
func TestThePasswordOfADatabaseIsNotTold(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"":                                      "",
		"postgres://me@host/moves":              "postgres://me@host/moves",
		"postgres://me:canary@host/moves":       "postgres://me:xxxxx@host/moves",
		"postgres://host/moves?password=canary": "postgres://host/moves?password=xxxxx",
		"postgres://me@host/moves?sslmode=require&sslpassword=canary": "postgres://me@host/moves?sslmode=require&sslpassword=xxxxx",
		"host=host password=canary":                                   "postgres",
	} {
		if got := Masked(dsn); got != want || strings.Contains(got, "canary") {
			t.Errorf("%s is told as %q, want %q", dsn, got, want)
		}
	}
}

func TestTheDatabaseOfARunIsItsOwnersOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), DatabaseFile)
	d, err := OpenFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	for _, name := range []string{path, path + "-wal"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}
