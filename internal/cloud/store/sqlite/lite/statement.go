package lite

import (
	"fmt"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

const keptArena = 1 << 20 // a larger arena is given back behind the statement

// Row is the current row of a statement.
type Row struct {
	c         *Conn
	statement uintptr
}

// Null reports whether a column is NULL.
func (r Row) Null(column int) bool {
	return sqlite3.Xsqlite3_column_type(r.c.tls, r.statement, int32(column)) == sqlite3.SQLITE_NULL
}

// Int returns an integer column.
func (r Row) Int(column int) int64 {
	return sqlite3.Xsqlite3_column_int64(r.c.tls, r.statement, int32(column))
}

// Text returns a text column.
func (r Row) Text(column int) string {
	at := sqlite3.Xsqlite3_column_text(r.c.tls, r.statement, int32(column))
	size := sqlite3.Xsqlite3_column_bytes(r.c.tls, r.statement, int32(column))
	if at == 0 || size == 0 {
		return ""
	}
	return string(libc.GoBytes(at, int(size)))
}

// Blob returns a copy of a blob column; an empty one is nil.
func (r Row) Blob(column int) []byte {
	at := sqlite3.Xsqlite3_column_blob(r.c.tls, r.statement, int32(column))
	size := sqlite3.Xsqlite3_column_bytes(r.c.tls, r.statement, int32(column))
	if at == 0 || size == 0 {
		return nil
	}
	return append(make([]byte, 0, size), libc.GoBytes(at, int(size))...)
}

// Run runs a query to its end. Arguments are int64, string, []byte and nil.
func (c *Conn) Run(q *Query, args ...any) error { return c.Each(q, nil, args...) }

// Each runs a query and hands every row to see. see must not use the connection.
func (c *Conn) Each(q *Query, see func(Row), args ...any) error {
	statement, err := c.prepared(q)
	if err != nil {
		return err
	}
	if err := c.bind(statement, args); err != nil {
		return err
	}
	for {
		switch code := sqlite3.Xsqlite3_step(c.tls, statement); code {
		case sqlite3.SQLITE_ROW:
			if see != nil {
				see(Row{c, statement})
			}
		case sqlite3.SQLITE_DONE:
			c.finish(statement)
			return nil
		default:
			err := c.fault(code)
			c.finish(statement)
			return err
		}
	}
}

// One runs a query that yields at most one row and reports whether there was one.
func (c *Conn) One(q *Query, see func(Row), args ...any) (bool, error) {
	found := false
	err := c.Each(q, func(r Row) {
		found = true
		see(r)
	}, args...)
	return found, err
}

// finish makes a statement ready for its next run. What reset returns repeats the answer of step.
func (c *Conn) finish(statement uintptr) {
	sqlite3.Xsqlite3_reset(c.tls, statement)
	if c.arenaSize > keptArena {
		libc.Xfree(c.tls, c.arena)
		c.arena, c.arenaSize = 0, 0
	}
}

// bind hands the arguments to a statement. Text and blobs are copied into the arena, which lives until the next bind:
// SQLite needs no copy of its own.
func (c *Conn) bind(statement uintptr, args []any) error {
	at, err := c.reserve(args)
	if err != nil {
		return err
	}
	for i, arg := range args {
		index, code := int32(i+1), int32(0)
		switch value := arg.(type) {
		case int64:
			code = sqlite3.Xsqlite3_bind_int64(c.tls, statement, index, value)
		case string:
			copy(libc.GoBytes(at, len(value)), value)
			code = sqlite3.Xsqlite3_bind_text(c.tls, statement, index, at, int32(len(value)), sqlite3.SQLITE_STATIC)
			at += uintptr(len(value))
		case []byte:
			if len(value) == 0 {
				code = sqlite3.Xsqlite3_bind_zeroblob(c.tls, statement, index, 0)
				break
			}
			copy(libc.GoBytes(at, len(value)), value)
			code = sqlite3.Xsqlite3_bind_blob(c.tls, statement, index, at, int32(len(value)), sqlite3.SQLITE_STATIC)
			at += uintptr(len(value))
		case nil:
			code = sqlite3.Xsqlite3_bind_null(c.tls, statement, index)
		default:
			return fmt.Errorf("sqlite: argument %d has the unknown type %T", i+1, arg)
		}
		if code != sqlite3.SQLITE_OK {
			return c.fault(code)
		}
	}
	return nil
}

// reserve makes the arena large enough for the arguments and returns where it begins.
func (c *Conn) reserve(args []any) (uintptr, error) {
	need := 1 // so that empty text has an address
	for _, arg := range args {
		switch value := arg.(type) {
		case string:
			need += len(value)
		case []byte:
			need += len(value)
		}
	}
	if need > 1<<30 {
		return 0, &Error{TooBig, "the arguments are too large"}
	}
	if need > c.arenaSize {
		size := max(need, 4096, min(2*c.arenaSize, keptArena))
		if c.arena != 0 {
			libc.Xfree(c.tls, c.arena)
		}
		c.arena, c.arenaSize = libc.Xmalloc(c.tls, libc.Tsize_t(size)), size
		if c.arena == 0 {
			c.arenaSize = 0
			return 0, &Error{NoMemory, "out of memory"}
		}
	}
	return c.arena, nil
}
