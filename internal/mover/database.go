package mover

import (
	"context"
	"database/sql"
	"database/sql/driver"
	_ "embed"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite" // DBOS on SQLite
	_ "github.com/jackc/pgx/v5/stdlib"                              // the driver "pgx"

	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover/action"
)

//go:embed schema_sqlite.sql
var schemaSQLite string

//go:embed schema_postgres.sql
var schemaPostgres string

// Database is where journals and durable runs are kept: a file for one run, or PostgreSQL for many (D4).
type Database struct {
	db  *sql.DB
	pen *pen
	url string // of PostgreSQL; empty for a file
}

// connections is how many are open at once, and kept.
const connections = 16

// OpenFile opens the database of one run. Every commit is on disk before it is acknowledged: a step that was journalled survives power loss.
func OpenFile(ctx context.Context, path string) (*Database, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite would let others read it
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return nil, databaseError(err, path)
	}
	query := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(30000)", "foreign_keys(ON)"}, "_txlock": {"immediate"}}
	name := (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: query.Encode()}).String()
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, databaseError(err, path)
	}
	db.SetMaxIdleConns(connections) // a new one reads the whole schema
	return prepare(ctx, &Database{db: db, pen: &pen{db: db}}, schemaSQLite, path)
}

// OpenPostgres opens a database for many runs. The URL may hold a password: it is never shown.
func OpenPostgres(ctx context.Context, dsn string) (*Database, error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, databaseError(err, Masked(dsn))
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return prepare(ctx, &Database{db: db, pen: &pen{db: db}, url: dsn}, schemaPostgres, Masked(dsn))
}

func prepare(ctx context.Context, d *Database, schema, name string) (*Database, error) {
	if err := d.alone(ctx, func() error { return migrate(ctx, d, schema) }); err != nil {
		return nil, errors.Join(databaseError(err, name), d.db.Close())
	}
	return d, nil
}

// schemaLock orders processes that make tables at once; CREATE TABLE IF NOT EXISTS alone does not on PostgreSQL.
const schemaLock = 0x616d6c6d

// schemaPolling is how often a process that waits for another one's tables looks.
const schemaPolling = 50 * time.Millisecond

func migrate(ctx context.Context, d *Database, schema string) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	for statement := range strings.SplitSeq(schema, ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// alone does something that changes tables, while no other process does that: neither we nor the durable engine can make tables that another makes at once.
func (d *Database) alone(ctx context.Context, do func() error) (err error) {
	if d.url == "" {
		return do()
	}
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	// Asked again and again: whoever waits inside the database has a transaction open, and the durable engine makes an index that waits for all of those to end.
	for held := false; !held; {
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", schemaLock).Scan(&held); err != nil {
			return err
		}
		if !held {
			if err := (action.Machine{}).Sleep(ctx, schemaPolling); err != nil {
				return err
			}
		}
	}
	defer func() { // the connection goes back into the pool: it must not keep the lock
		_, unlocking := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", schemaLock)
		err = errors.Join(err, unlocking)
	}()
	return do()
}

// Close closes the database.
func (d *Database) Close() error { return d.db.Close() }

// configure names the database to DBOS.
func (d *Database) configure(c *dbos.Config) {
	if d.url != "" {
		c.DatabaseURL = d.url
		return
	}
	c.SQLiteSystemDB = d.db
}

// How often, and with which breaks, the lock of a run is asked for: for three seconds in all.
const (
	tryHold     = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
	holdTries   = 30
	holdPolling = 100 * time.Millisecond
)

// hold takes a run for this process, among all that use the database, until the returned function is called. A file belongs to one folder, which has a lock of its own.
func (d *Database) hold(ctx context.Context, key, run string) (release func(), err error) {
	if d.url == "" {
		return func() {}, nil
	}
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return nil, databaseError(err, Masked(d.url))
	}
	// The lock is the session's: it ends with the connection, or with the process, as soon as the server notices. So a lock that is held is asked for again for a while.
	var held bool
	for tried := 0; ; tried++ {
		err = conn.QueryRowContext(ctx, tryHold, "amlmove "+key).Scan(&held)
		if err != nil || held || tried == holdTries {
			break
		}
		if err = (action.Machine{}).Sleep(ctx, holdPolling); err != nil {
			break
		}
	}
	if err == nil && held {
		return func() {
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), holdTries*holdPolling)
			defer cancel()
			_, _ = conn.ExecContext(ending, "SELECT pg_advisory_unlock_all()") // at once; if it cannot be told, with the connection
			_ = conn.Raw(func(any) error { return errCloseConnection })
			_ = conn.Close()
		}, nil
	}
	_ = conn.Close()
	if err != nil {
		return nil, databaseError(err, Masked(d.url))
	}
	return nil, errs.New(errs.Conflict, "RunBusy", "another process works on the run %s", run).Advise("wait for it, or stop it; a process that was killed holds no lock")
}

// Masked is a URL of a database without its password.
func Masked(dsn string) string {
	if dsn == "" {
		return ""
	}
	parsed, err := url.Parse(dsn)
	if err != nil || parsed.Scheme == "" {
		return "postgres" // a DSN of words may hold a password anywhere
	}
	query := parsed.Query()
	for _, name := range []string{"password", "sslpassword"} { // PostgreSQL takes them there as well
		if query.Has(name) {
			query.Set(name, "xxxxx")
			parsed.RawQuery = query.Encode()
		}
	}
	return parsed.Redacted()
}

// databaseError words trouble with the database.
func databaseError(err error, name string) error {
	return errs.Wrap(errs.Unavailable, "RunDatabase", err, "the database of the run, %s, cannot be used", name).Advise("check that it is there, that you may write to it, and the free space")
}

// errCloseConnection makes database/sql throw a connection away instead of keeping it with the lock.
var errCloseConnection = driver.ErrBadConn
