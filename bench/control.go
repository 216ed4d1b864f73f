package main

import (
	"context"
	"crypto/tls"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "modernc.org/sqlite" // the same engine as the cloud's

	"github.com/amlmove/amlmove/internal/cloud/identity"
)

// keep is what a control does with a document: nothing but storing it durably and reading it by key.
type keep struct {
	put func(ctx context.Context, key string, value []byte) error
	get func(ctx context.Context, key string) ([]byte, error)
}

// serveControl is the minimal server: no ARM logic, no tokens. where is an SQLite file, or the address of a PostgreSQL server; dir is where it says how to reach it.
func serveControl(ctx context.Context, where, dir string) error {
	open := openSQLite
	if strings.HasPrefix(where, "postgres://") {
		open = openPostgres
	}
	kept, err := open(ctx, where)
	if err != nil {
		return err
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			body, err := io.ReadAll(r.Body)
			if err == nil {
				err = kept.put(r.Context(), r.URL.Path, body)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write(body)
			return
		}
		value, err := kept.get(r.Context(), r.URL.Path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		_, _ = w.Write(value)
	})
	return serveTLS(ctx, handler, dir)
}

// openSQLite keeps documents in a file: one synced transaction for each PUT.
func openSQLite(ctx context.Context, file string) (keep, error) {
	write, err := sql.Open("sqlite", file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return keep{}, err
	}
	write.SetMaxOpenConns(1)
	if _, err := write.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS kv (k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID`); err != nil {
		return keep{}, err
	}
	read, err := sql.Open("sqlite", file+"?_pragma=query_only(1)")
	if err != nil {
		return keep{}, err
	}
	get, err := read.PrepareContext(ctx, `SELECT v FROM kv WHERE k = ?`)
	if err != nil {
		return keep{}, err
	}
	put, err := write.PrepareContext(ctx, `INSERT INTO kv (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v`)
	if err != nil {
		return keep{}, err
	}
	var one sync.Mutex
	return keep{
		put: func(ctx context.Context, key string, value []byte) error {
			one.Lock()
			defer one.Unlock()
			_, err := put.ExecContext(ctx, key, value)
			return err
		},
		get: func(ctx context.Context, key string) (value []byte, err error) {
			err = get.QueryRowContext(ctx, key).Scan(&value)
			return value, err
		},
	}, nil
}

// openPostgres keeps documents in a table: one transaction for each PUT.
func openPostgres(ctx context.Context, dsn string) (keep, error) {
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return keep{}, err
	}
	if _, err := pool.Exec(ctx, `CREATE TABLE bench_kv (k TEXT PRIMARY KEY, v BYTEA)`); err != nil {
		return keep{}, err
	}
	return keep{
		put: func(ctx context.Context, key string, value []byte) error {
			_, err := pool.Exec(ctx, `INSERT INTO bench_kv (k, v) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = excluded.v`, key, value)
			return err
		},
		get: func(ctx context.Context, key string) (value []byte, err error) {
			err = pool.QueryRow(ctx, `SELECT v FROM bench_kv WHERE k = $1`, key).Scan(&value)
			return value, err
		},
	}, nil
}

// serveTLS serves with a certificate of its own and says in control.json where, as the cloud does.
func serveTLS(ctx context.Context, handler http.Handler, dir string) error {
	keys, err := identity.NewKeys()
	if err != nil {
		return err
	}
	certificate, err := keys.ServerCertificate(nil, time.Now())
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}, ReadHeaderTimeout: time.Minute}
	state, err := json.Marshal(map[string]any{"endpoint": "https://" + listener.Addr().String(), "pid": os.Getpid()})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), keys.CAPEM(), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "new.json"), state, 0o600); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, "new.json"), filepath.Join(dir, "cloud.json")); err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ServeTLS(listener, "", ""); err != http.ErrServerClosed {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
