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
	"sync"
	"time"

	_ "modernc.org/sqlite" // the same engine as the cloud's

	"github.com/amlmove/amlmove/internal/cloud/identity"
)

// serveControl is the minimal server: no ARM logic, no tokens.
func serveControl(ctx context.Context, file string) error {
	write, err := sql.Open("sqlite", file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	write.SetMaxOpenConns(1)
	if _, err := write.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS kv (k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID`); err != nil {
		return err
	}
	read, err := sql.Open("sqlite", file+"?_pragma=query_only(1)")
	if err != nil {
		return err
	}
	get, err := read.PrepareContext(ctx, `SELECT v FROM kv WHERE k = ?`)
	if err != nil {
		return err
	}
	put, err := write.PrepareContext(ctx, `INSERT INTO kv (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v`)
	if err != nil {
		return err
	}
	var one sync.Mutex
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			body, _ := io.ReadAll(r.Body)
			one.Lock()
			_, err := put.ExecContext(r.Context(), r.URL.Path, body)
			one.Unlock()
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write(body)
			return
		}
		var value []byte
		if err := get.QueryRowContext(r.Context(), r.URL.Path).Scan(&value); err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		_, _ = w.Write(value)
	})
	return serveTLS(ctx, handler, filepath.Dir(file))
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
