// Package lite is a thin Go face of the C interface of SQLite (modernc.org/sqlite/lib): connections, statements prepared
// once for each connection, typed columns.
//
// It stands in for database/sql, which costs several times as much as a point read itself (column names and declared types
// are fetched for each query, values travel boxed). It knows no schema and no store; only store/sqlite imports it.
// A Conn is used by one goroutine at a time.
package lite

import (
	"encoding/binary"
	"fmt"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// Codes of SQLite that callers tell apart (https://sqlite.org/rescode.html).
const (
	Perm             = sqlite3.SQLITE_PERM
	Busy             = sqlite3.SQLITE_BUSY
	NoMemory         = sqlite3.SQLITE_NOMEM
	ReadOnly         = sqlite3.SQLITE_READONLY
	IOError          = sqlite3.SQLITE_IOERR
	Corrupt          = sqlite3.SQLITE_CORRUPT
	Full             = sqlite3.SQLITE_FULL
	CannotOpen       = sqlite3.SQLITE_CANTOPEN
	TooBig           = sqlite3.SQLITE_TOOBIG
	NotADatabase     = sqlite3.SQLITE_NOTADB
	ConstraintUnique = sqlite3.SQLITE_CONSTRAINT_UNIQUE
)

const pointerSize = 4 << (^uintptr(0) >> 63)

// Error is what SQLite answered.
type Error struct {
	Extended int // extended result code
	Message  string
}

// Error says the message and the code.
func (e *Error) Error() string { return fmt.Sprintf("sqlite: %s (%d)", e.Message, e.Extended) }

// Code is the primary result code.
func (e *Error) Code() int { return e.Extended & 0xff }

// Query is an SQL statement that each connection prepares once. Compared by address.
type Query struct{ text string }

// NewQuery makes a query of one statement.
func NewQuery(text string) *Query { return &Query{text} }

// String returns the SQL.
func (q *Query) String() string { return q.text }

// Conn is a connection to a database file.
type Conn struct {
	tls        *libc.TLS
	db         uintptr
	statements map[*Query]uintptr
	slot       uintptr // C memory for one pointer
	arena      uintptr // C memory for the text and blobs bound to the running statement
	arenaSize  int
}

// Open opens a database file that exists.
func Open(path string) (*Conn, error) {
	c := &Conn{tls: libc.NewTLS(), statements: map[*Query]uintptr{}}
	c.slot = libc.Xmalloc(c.tls, pointerSize)
	name, err := libc.CString(path)
	if err != nil || c.slot == 0 {
		c.tls.Close()
		return nil, &Error{NoMemory, "out of memory"}
	}
	defer libc.Xfree(c.tls, name)
	const flags = sqlite3.SQLITE_OPEN_READWRITE | sqlite3.SQLITE_OPEN_NOMUTEX | sqlite3.SQLITE_OPEN_EXRESCODE
	code := sqlite3.Xsqlite3_open_v2(c.tls, name, c.slot, flags, 0)
	c.db = c.pointer()
	if code != sqlite3.SQLITE_OK {
		err := c.fault(code)
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// Close releases the connection and its statements.
func (c *Conn) Close() error {
	for _, statement := range c.statements {
		sqlite3.Xsqlite3_finalize(c.tls, statement)
	}
	c.statements = nil
	var err error
	if c.db != 0 {
		if code := sqlite3.Xsqlite3_close_v2(c.tls, c.db); code != sqlite3.SQLITE_OK {
			err = c.fault(code)
		}
	}
	if c.arena != 0 {
		libc.Xfree(c.tls, c.arena)
	}
	libc.Xfree(c.tls, c.slot)
	c.tls.Close()
	return err
}

// KeepLog leaves the write-ahead log as it is when the connection is closed.
func (c *Conn) KeepLog() {
	on := libc.NewVaList(int32(1), uintptr(0))
	defer libc.Xfree(c.tls, on)
	sqlite3.Xsqlite3_db_config(c.tls, c.db, sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on)
}

// Exec runs each statement of a script, dropping its rows. Nothing stays prepared.
func (c *Conn) Exec(script string) error {
	text, err := libc.CString(script)
	if err != nil {
		return &Error{NoMemory, "out of memory"}
	}
	defer libc.Xfree(c.tls, text)
	if code := sqlite3.Xsqlite3_exec(c.tls, c.db, text, 0, 0, 0); code != sqlite3.SQLITE_OK {
		return c.fault(code)
	}
	return nil
}

// InTransaction reports whether a transaction is open: SQLite ends one by itself when it has to roll back.
func (c *Conn) InTransaction() bool { return sqlite3.Xsqlite3_get_autocommit(c.tls, c.db) == 0 }

// Changed returns how many rows the newest statement inserted, updated or deleted.
func (c *Conn) Changed() int64 { return sqlite3.Xsqlite3_changes64(c.tls, c.db) }

// prepared returns the statement of a query.
func (c *Conn) prepared(q *Query) (uintptr, error) {
	if statement, ok := c.statements[q]; ok {
		return statement, nil
	}
	text, err := libc.CString(q.text)
	if err != nil {
		return 0, &Error{NoMemory, "out of memory"}
	}
	defer libc.Xfree(c.tls, text)
	code := sqlite3.Xsqlite3_prepare_v3(c.tls, c.db, text, -1, sqlite3.SQLITE_PREPARE_PERSISTENT, c.slot, 0)
	if code != sqlite3.SQLITE_OK {
		return 0, c.fault(code)
	}
	statement := c.pointer()
	c.statements[q] = statement
	return statement, nil
}

// fault says what SQLite answered to the newest call.
func (c *Conn) fault(code int32) error {
	message := "cannot be opened"
	if c.db != 0 {
		message = libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db))
	}
	return &Error{int(code), message}
}

// pointer reads what SQLite wrote into the slot.
func (c *Conn) pointer() uintptr {
	raw := libc.GoBytes(c.slot, pointerSize)
	if pointerSize == 4 {
		return uintptr(binary.NativeEndian.Uint32(raw))
	}
	return uintptr(binary.NativeEndian.Uint64(raw))
}
