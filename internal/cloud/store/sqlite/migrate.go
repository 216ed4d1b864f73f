package sqlite

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"

	"github.com/amlmove/amlmove/internal/cloud/store/sqlite/lite"
	"github.com/amlmove/amlmove/internal/errs"
)

// The numbered steps of the schema; the version of a file is the number of steps it has taken.
//
//go:embed migrations/*.sql
var migrations embed.FS

// steps returns the migrations in their order.
func steps() []string {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	slices.Sort(names)
	return names
}

// checkVersion refuses a file from a newer program.
func checkVersion(path string, version int64) error {
	known := int64(len(steps()))
	if version <= known {
		return nil
	}
	return errs.New(errs.Unsupported, "StoreTooNew", "the store %s has schema version %d; this program knows up to %d; it was not touched",
		path, version, known).At(path).Advise("use a newer amlmove")
}

var sqlVersion = lite.NewQuery(`PRAGMA user_version`)

// migrate takes the steps that a file lacks, each in a transaction of its own. The first statement also recovers the log
// that a killed process left, and finds a file cut short.
func migrate(conn *lite.Conn, path string) error {
	var version int64
	if err := conn.Each(sqlVersion, func(r lite.Row) { version = r.Int(0) }); err != nil {
		return fault(path, "open", err)
	}
	if err := checkVersion(path, version); err != nil {
		return err
	}
	for number, name := range steps() {
		if int64(number) < version {
			continue
		}
		text, err := migrations.ReadFile(name)
		if err != nil {
			return errs.Wrap(errs.Internal, "StoreFailed", err, "read the migration %s", name)
		}
		step := fmt.Sprintf("BEGIN IMMEDIATE;\n%s;\nPRAGMA user_version = %d;\nCOMMIT;", text, number+1)
		if err := conn.Exec(step); err != nil {
			return fault(path, "migrate to "+name, err)
		}
	}
	// The header of the file itself shall carry the version, not only the log: checkHeader reads it there.
	if err := conn.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return fault(path, "open", err)
	}
	return nil
}
