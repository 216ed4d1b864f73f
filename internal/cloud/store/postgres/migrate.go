package postgres

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/amlmove/amlmove/internal/errs"
)

// The numbered steps of the schema; the version of a database is the number of steps it has taken.
//
//go:embed migrations/*.sql
var migrations embed.FS

// Keys of our advisory locks ("amlmove" in bytes, then a number).
const (
	migrateLock = 0x616d6c6d6f766501
	collectLock = 0x616d6c6d6f766502
)

// prepare looks whether the database will do and takes the steps that it lacks, all in one transaction; the lock keeps
// other nodes waiting that open at the same moment.
func prepare(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fault(ctx, "open", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var encoding, commits string
	err = conn.QueryRow(ctx, `SELECT current_setting('server_encoding'), current_setting('synchronous_commit')`).Scan(&encoding, &commits)
	if err != nil {
		return fault(ctx, "open", err)
	}
	if encoding != "UTF8" {
		return errs.New(errs.Invalid, "StoreEncoding", "the PostgreSQL database is encoded in %s; it must be UTF8", encoding).
			Advise("create it with ENCODING 'UTF8'")
	}
	if commits == "off" { // an acknowledged update is durable whatever the server's default
		config.RuntimeParams["synchronous_commit"] = "on"
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return migrate(ctx, tx) })
	if err != nil && errs.As(err) == nil {
		err = fault(ctx, "migrate", err)
	}
	return err
}

func migrate(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, sqlCollectLock, int64(migrateLock)); err != nil {
		return err
	}
	version, err := currentVersion(ctx, tx)
	if err != nil {
		return err
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	if version > len(names) {
		return errs.New(errs.Unsupported, "StoreTooNew",
			"the PostgreSQL store has schema version %d; this program knows up to %d; it was not touched", version, len(names)).
			Advise("use a newer amlmove")
	}
	if version == len(names) {
		return nil
	}
	for _, name := range names[version:] {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, string(text)); err != nil { // without arguments: several statements in one text
			return err
		}
	}
	_, err = tx.Exec(ctx, `UPDATE cloud_schema SET version = $1`, len(names))
	return err
}

// currentVersion reads the version of the schema and makes its table if there is none.
func currentVersion(ctx context.Context, tx pgx.Tx) (version int, err error) {
	var there bool
	if err := tx.QueryRow(ctx, `SELECT to_regclass('cloud_schema') IS NOT NULL`).Scan(&there); err != nil {
		return 0, err
	}
	if !there {
		_, err := tx.Exec(ctx, `CREATE TABLE cloud_schema (version int NOT NULL); INSERT INTO cloud_schema VALUES (0)`)
		return 0, err
	}
	err = tx.QueryRow(ctx, `SELECT version FROM cloud_schema`).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		err = &pgconn.PgError{Code: undefinedTable, Message: "cloud_schema is empty"}
	}
	return version, err
}
