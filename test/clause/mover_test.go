package clause

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// moverRooms are where the mover's tests are, from here. Each cites the clause that it proves in its name, its cases or its comment.
var moverRooms = []string{"internal/capture", "internal/cli", "internal/mover", "internal/mover/action", "internal/plan", "internal/rehearse", "internal/report", "internal/rewrite", "internal/rules", "internal/verify",
	"test/agree", "test/capture", "test/move"}

// notTheMovers are the clauses of which spec/clauses.md asks nothing of the mover.
var notTheMovers = map[int]string{39: "nothing to do: ids name their subscription"}

// citation is how tests name clauses, painful how they name pains: by number, or several with commas.
var (
	citation = regexp.MustCompile(`\bS([0-4][0-9])\b`)
	painful  = regexp.MustCompile(`\b[Pp]ains? [0-9]+(?:(?:, | and )(?:pain )?[0-9]+)*`)
	digits   = regexp.MustCompile(`[0-9]+`)
)

// proofs are the tests in some rooms by what they cite.
func proofs(t *testing.T, rooms []string, cites *regexp.Regexp) map[int][]string {
	t.Helper()
	found := map[int]map[string]bool{}
	for _, room := range rooms {
		files, err := filepath.Glob(filepath.Join("../..", room, "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no tests in %s: %v", room, err)
		}
		for _, file := range files {
			cited(t, room, file, cites, func(number int, proof string) {
				if found[number] == nil {
					found[number] = map[string]bool{}
				}
				found[number][proof] = true
			})
		}
	}
	sorted := map[int][]string{}
	for number, tests := range found {
		sorted[number] = slices.Sorted(maps.Keys(tests))
	}
	return sorted
}

// cited finds what a file cites, and in which test; a table that stands by itself is named by its file.
func cited(t *testing.T, room, file string, cites *regexp.Regexp, note func(number int, proof string)) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range parsed.Decls {
		from, proof := d.Pos(), fmt.Sprintf("`%s` %s", room, filepath.Base(file))
		if f, is := d.(*ast.FuncDecl); is && strings.HasPrefix(f.Name.Name, "Test") {
			proof = fmt.Sprintf("`%s` %s", room, f.Name.Name)
		}
		if doc := docOf(d); doc != nil {
			from = doc.Pos()
		}
		for _, words := range cites.FindAll(source[files.Position(from).Offset:files.Position(d.End()).Offset], -1) {
			for _, text := range digits.FindAll(words, -1) {
				number, err := strconv.Atoi(string(text))
				if err != nil {
					t.Fatal(err)
				}
				note(number, proof)
			}
		}
	}
}

// docOf is the comment of a declaration.
func docOf(d ast.Decl) *ast.CommentGroup {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return d.Doc
	case *ast.GenDecl:
		return d.Doc
	}
	return nil
}
