// Package floors walks the imports of the house and fails on a breach of its directions (design, section 4).
package floors

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/amlmove/amlmove/"

// floors says what each room may import of our own, by prefix. A room without a line of its own takes that of its parent folder.
var floors = map[string][]string{
	"internal/errs":                  {},
	"internal/arm":                   {"internal/errs"},
	"internal/aml":                   {"internal/errs", "internal/arm"},
	"internal/cloud/store":           {"internal/errs"},
	"internal/cloud/store/row":       {"internal/errs", "internal/cloud/store"},
	"internal/cloud/store/sqlite":    {"internal/errs", "internal/cloud/store"},
	"internal/cloud/store/postgres":  {"internal/errs", "internal/cloud/store"},
	"internal/cloud/store/storetest": {"internal/errs", "internal/cloud/store"},
	"internal/cloud/identity":        {"internal/errs"},
	"internal/cloud/access":          {"internal/errs", "internal/arm"},
	"internal/cloud/tree":            {"internal/errs", "internal/arm", "internal/cloud/store"},
	"internal/cloud/operation":       {"internal/errs", "internal/arm", "internal/cloud/store"},
	"internal/cloud/provider":        {"internal/errs", "internal/arm", "internal/aml", "internal/cloud/store", "internal/cloud/tree", "internal/cloud/identity", "internal/cloud/provider"},
	"internal/cloud/authorization":   {"internal/errs", "internal/arm", "internal/cloud/access", "internal/cloud/store", "internal/cloud/tree", "internal/cloud/provider"},
	"internal/cloud/control":         {"internal/errs", "internal/arm", "internal/aml", "internal/cloud/access", "internal/cloud/authorization", "internal/cloud/identity", "internal/cloud/operation", "internal/cloud/provider", "internal/cloud/store", "internal/cloud/tree"},
	"internal/cloud/directory":       {"internal/errs", "internal/cloud/control", "internal/cloud/identity", "internal/cloud/store"},
	"internal/cloud/move":            {"internal/errs", "internal/arm", "internal/aml", "internal/cloud/access", "internal/cloud/authorization", "internal/cloud/control", "internal/cloud/operation", "internal/cloud/provider", "internal/cloud/store", "internal/cloud/tree"},
	"internal/cloud/fault":           {"internal/errs", "internal/arm", "internal/cloud/control", "internal/cloud/identity", "internal/cloud/move", "internal/cloud/operation", "internal/cloud/provider", "internal/cloud/store", "internal/cloud/tree"},
	"internal/cloud/admin":           {"internal/errs", "internal/arm", "internal/cloud/control", "internal/cloud/fault", "internal/cloud/identity", "internal/cloud/move", "internal/cloud/operation", "internal/cloud/store"},
	"internal/cloud/fixture":         {"internal/errs", "internal/arm", "internal/aml", "internal/cloud"},
	"internal/cloud/replica":         {"internal/errs", "internal/arm", "internal/aml", "internal/snapshot", "internal/cloud"},
	"internal/cloud/folder":          {"internal/errs", "internal/cloud/fixture"},
	"internal/cloud/server":          {"internal/errs", "internal/arm", "internal/cloud/control", "internal/cloud/identity", "internal/cloud/fault"},
	"internal/cloud":                 {"internal/errs", "internal/arm", "internal/aml", "internal/cloud"},
	"internal/azure":                 {"internal/errs", "internal/arm"},
	"internal/snapshot":              {"internal/errs", "internal/arm"},
	"internal/capture":               {"internal/errs", "internal/arm", "internal/aml", "internal/azure", "internal/snapshot"},
	"internal/facts":                 {"internal/errs", "internal/arm", "internal/aml", "internal/snapshot"},
	"internal/rewrite":               {"internal/arm", "internal/aml"},
	"internal/seal":                  {"internal/errs"},
	"internal/rules":                 {"internal/errs", "internal/arm", "internal/aml", "internal/snapshot", "internal/facts", "internal/rewrite"},
	"internal/plan":                  {"internal/errs", "internal/arm", "internal/aml", "internal/snapshot", "internal/facts", "internal/rules", "internal/rewrite"},
	"internal/verify":                {"internal/errs", "internal/arm", "internal/aml", "internal/snapshot", "internal/rewrite"},
	"internal/mover/action":          {"internal/errs", "internal/arm", "internal/aml", "internal/azure", "internal/snapshot", "internal/capture", "internal/facts", "internal/rules", "internal/plan", "internal/rewrite", "internal/seal", "internal/verify"},
	"internal/mover":                 {"internal/errs", "internal/arm", "internal/azure", "internal/snapshot", "internal/capture", "internal/facts", "internal/rules", "internal/plan", "internal/rewrite", "internal/seal", "internal/verify", "internal/mover/action"},
	"internal/report":                {"internal/errs", "internal/arm", "internal/aml", "internal/snapshot", "internal/facts", "internal/rules", "internal/plan", "internal/rewrite", "internal/verify"},
	"internal/rehearse":              {"internal/errs", "internal/arm", "internal/aml", "internal/azure", "internal/snapshot", "internal/capture", "internal/plan", "internal/rewrite", "internal/seal", "internal/verify", "internal/mover", "internal/cloud"},
	"internal/cli":                   {"internal"},
	"cmd":                            {"internal/cli"},
	"cloudtest":                      {"internal/cloud", "internal/errs", "internal/snapshot"},
	"bench":                          {"internal", "cloudtest"},
	"test":                           {"internal", "cloudtest"},
}

// allowedFor finds the line of a room.
func allowedFor(room string) ([]string, bool) {
	if strings.HasSuffix(room, "test") { // support for tests may stand anywhere
		return []string{"internal"}, true
	}
	for at := room; at != "."; at = filepath.ToSlash(filepath.Dir(at)) {
		if allowed, ok := floors[at]; ok {
			return allowed, true
		}
	}
	return nil, false
}

func TestImportsGoDownward(t *testing.T) {
	t.Parallel()
	root, err := os.OpenRoot("../..")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	rooms := 0
	err = fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		rooms++
		room := filepath.ToSlash(filepath.Dir(path))
		allowed, known := allowedFor(room)
		if !known {
			t.Errorf("%s is in no room of the house: give it a line in floors", path)
			return nil
		}
		data, err := fs.ReadFile(root.FS(), path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, data, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			own, ours := strings.CutPrefix(name, module)
			if ours && own != room && !within(own, allowed) && !within(own, []string{room}) {
				t.Errorf("%s imports %s, which is not below it", path, own)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if rooms < 50 {
		t.Errorf("only %d files were looked at: the walk does not see the house", rooms)
	}
}

// within reports whether a package is one of the allowed ones or below one.
func within(own string, allowed []string) bool {
	for _, prefix := range allowed {
		if own == prefix || strings.HasPrefix(own, prefix+"/") {
			return true
		}
	}
	return false
}
