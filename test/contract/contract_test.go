// Package contract holds the cloud against Azure's published descriptions: it sends every example of every operation, follows what it starts, and
// judges each answer: status codes, required members, types, enums, read-only and secret members. What is not built is listed, not hidden.
//
// The descriptions stand beside the repository (../shared/data/specs) and are not part of it. The package uses the public cloudtest alone.
package contract

import (
	"os"
	"path/filepath"
	"testing"
)

// specifications finds the folder of the descriptions above this one.
func specifications(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	const below = "shared/data/specs/specification"
	for at := dir; ; at = filepath.Dir(at) {
		path := filepath.Join(at, filepath.FromSlash(below))
		if _, err := os.Stat(path); err == nil {
			return path
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	if os.Getenv("AMLMOVE_TEST_ALL") == "1" {
		t.Fatalf("%s stands nowhere above %s: the published descriptions belong beside the clone", below, dir)
	}
	t.Skipf("%s stands nowhere above %s: the published descriptions are not here", below, dir)
	return ""
}

func TestAnswersKeepThePublishedContract(t *testing.T) {
	t.Parallel()
	root := specifications(t)
	b := newBook()
	for _, s := range services {
		if err := s.load(b, root); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.link(); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	for _, s := range services {
		r := &runner{world: w, service: s}
		for _, res := range r.runAll() {
			t.Logf("%s %s %s notbuilt=%q stub=%q refused=%v\n  open=%q\n  strangers=%q", res.op.method, res.op.id, res.file, res.notBuilt, res.stub, res.refused, res.open, res.strangers)
			for _, v := range res.violations {
				t.Log("    !! ", res.op.id, res.file, v)
			}
		}
	}
}
