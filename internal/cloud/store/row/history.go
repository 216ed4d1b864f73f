package row

import (
	"strings"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Table is a table of the store, and what keeps its earlier rows: a table of the same name with "_before" behind it, which has a row for each row that
// was changed since a fork: as it was then, or there = 0. The oldest one at or behind a fork is the row as it was at that fork.
type Table struct {
	Name string
	Key  []string // columns of the primary key
	Rest []string // all others
}

// Tables are all tables that a fork names the state of, under a prefix.
func Tables(prefix string) []Table {
	words := strings.Fields
	return []Table{
		{prefix + "node", words("id"), words("parent type_key name_key type name flag etag refs created changed body")},
		{prefix + "extension", words("scope_key type_key name_key"), words("scope type name etag created changed body")},
		{prefix + "operation", words("id"), words("kind tenant subscription principal correlation node input due created ended status result")},
		{prefix + "meta", words("key"), words("value")},
	}
}

// Columns are the columns of the table, each behind a prefix.
func (t Table) Columns(prefix string) string {
	return list(prefix, t.Key) + ", " + list(prefix, t.Rest)
}

// Keys are the columns of the key, each behind a prefix.
func (t Table) Keys(prefix string) string { return list(prefix, t.Key) }

// same compares the keys of two rows.
func (t Table) same(a, b string) string {
	return "(" + list(a, t.Key) + ") = (" + list(b, t.Key) + ")"
}

func list(prefix string, columns []string) string {
	return prefix + strings.Join(columns, ", "+prefix)
}

// Clear removes every row that was changed since fork $1, and PutBack writes those that were there as they were.
func (t Table) Clear() string {
	return `DELETE FROM ` + t.Name + ` WHERE (` + t.Keys("") + `) IN (SELECT ` + t.Keys("") + ` FROM ` + t.Name + `_before WHERE fork >= $1)`
}

// PutBack follows Clear.
func (t Table) PutBack() string {
	return `INSERT INTO ` + t.Name + ` (` + t.Columns("") + `) SELECT ` + t.Columns("b.") + ` FROM ` + t.Name + `_before b
		WHERE b.fork >= $1 AND b.there = 1 AND NOT EXISTS (SELECT 1 FROM ` + t.Name + `_before e WHERE ` + t.same("e.", "b.") + ` AND e.fork >= $1 AND e.fork < b.fork)`
}

// Forget drops what was kept since fork $1: the state is that of the fork.
func (t Table) Forget() string { return `DELETE FROM ` + t.Name + `_before WHERE fork >= $1` }

// PassOn gives to fork $1 what was kept for the one behind it, $2, where it has nothing of its own, and Drop drops the rest. (SQLite numbers parameters as they come.)
func (t Table) PassOn() string {
	return `UPDATE ` + t.Name + `_before SET fork = $1 WHERE fork = $2
		AND NOT EXISTS (SELECT 1 FROM ` + t.Name + `_before e WHERE ` + t.same("e.", t.Name+"_before.") + ` AND e.fork = $1)`
}

// Drop follows PassOn.
func (t Table) Drop() string { return `DELETE FROM ` + t.Name + `_before WHERE fork = $1` }

// CheckFork refuses a name that no fork can have.
func CheckFork(name string) error {
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '/' || r == 0x7f }) {
		return errs.New(errs.Invalid, "ForkNameInvalid", "'%s' is no name of a fork: it must have 1 to 100 characters, without blanks and slashes.", name)
	}
	return CheckText("name of a fork", name)
}

// Numbered is a fork with its number.
type Numbered struct {
	store.Fork
	Number int64
}

// FindFork finds a fork by name, and the number of the one before it; 0 if it is the first.
func FindFork(forks []Numbered, name string) (fork Numbered, before int64, err error) {
	for _, f := range forks {
		if Key(f.Name) == Key(name) {
			return f, before, nil
		}
		before = f.Number
	}
	return fork, 0, errs.New(errs.NotFound, "ForkNotFound", "There is no fork '%s'. The list of forks shows those that there are.", name)
}

// ForkExists is the error for a name that is taken.
func ForkExists(name string) error {
	return errs.New(errs.Conflict, "ForkExists", "There is a fork '%s' already. Drop it first, or take another name.", name)
}
