// Package pgtest runs a real PostgreSQL server for tests: the installed binaries, a folder of its own, an unprivileged user,
// a unix socket, gone at the end.
//
// A test binary keeps one Server in a variable, wraps its TestMain with Main and asks for a Database in each test. Only
// tests import the package; it knows nothing of our schema.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// startTime bounds how long the server may take to be ready.
const startTime = time.Minute

// Server is a PostgreSQL server that starts when somebody first needs it. The zero value is ready.
type Server struct {
	NoSync bool // trade durability for speed

	once       sync.Once
	failed     error
	mu         sync.Mutex
	folder     string // holds the data, the socket and the log
	postmaster *process
	count      atomic.Int64
}

// errMissing says that no server is installed.
var errMissing = errors.New("pgtest: no PostgreSQL server binaries (install Debian's postgresql package, or set AMLMOVE_PG_BIN to their folder)")

// Main runs the tests of a binary and removes the server behind them. TestMain passes the result to os.Exit.
func (s *Server) Main(m *testing.M) int {
	code := m.Run()
	if err := s.Remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	return code
}

// Require starts the server. Without binaries it skips the test, or fails it if AMLMOVE_TEST_ALL=1 asks for all tests.
func (s *Server) Require(t testing.TB) {
	t.Helper()
	s.once.Do(func() { s.failed = s.create() })
	if errors.Is(s.failed, errMissing) && os.Getenv("AMLMOVE_TEST_ALL") != "1" {
		t.Skip(s.failed)
	}
	if s.failed != nil {
		t.Fatal(s.failed)
	}
}

// Database makes an empty database and returns its DSN. The database goes with the server.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	s.Require(t)
	name := fmt.Sprintf("test%d", s.count.Add(1))
	conn, err := pgx.Connect(t.Context(), s.DSN("postgres"))
	if err != nil {
		t.Fatalf("connect to the test server: %v", err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), `CREATE DATABASE `+name); err != nil {
		t.Fatalf("create a database: %v", err)
	}
	return s.DSN(name)
}

// DSN is the address of a database of the server.
func (s *Server) DSN(database string) string {
	u := url.URL{Scheme: "postgres", Path: "/" + database,
		RawQuery: url.Values{"host": {s.folder}, "user": {"amlmove"}, "sslmode": {"disable"}}.Encode()}
	return u.String()
}

// Crash ends the server as a power cut would, apart from what the disk holds back: nothing is flushed, all sessions die.
// Restart brings it back.
func (s *Server) Crash(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.postmaster.stop()
}

// Restart starts the server again in its folder.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// create makes the data folder and starts the server.
func (s *Server) create() error {
	bin, err := binaries()
	if err != nil {
		return err
	}
	if s.folder, err = os.MkdirTemp("", "amlmove-pg-"); err != nil {
		return err
	}
	who, err := unprivileged()
	if err != nil {
		return err
	}
	if err := who.own(s.folder); err != nil {
		return fmt.Errorf("pgtest: give %s to the server's user: %w", s.folder, err)
	}
	initdb := who.command(filepath.Join(bin, "initdb"), "--pgdata", s.data(), "--username", "amlmove", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync")
	initdb.Dir = s.folder
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("pgtest: initdb: %w\n%s", err, out)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.start()
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// start runs the postmaster and waits until it says that it is ready.
func (s *Server) start() error {
	bin, err := binaries()
	if err != nil {
		return err
	}
	who, err := unprivileged()
	if err != nil {
		return err
	}
	settings := []string{"-D", s.data(), "-k", s.folder, "-c", "listen_addresses=", "-c", "lc_messages=C", "-c", "max_connections=200",
		"-c", "shared_buffers=32MB", "-c", "max_wal_size=256MB", "-c", "logging_collector=off", "-c", "log_min_messages=warning",
		"-c", "deadlock_timeout=50ms"}
	if s.NoSync {
		settings = append(settings, "-c", "fsync=off", "-c", "full_page_writes=off")
	}
	cmd := who.command(filepath.Join(bin, "postgres"), settings...)
	cmd.Dir = s.folder
	s.postmaster, err = launch(cmd, "database system is ready to accept connections", startTime)
	if err != nil {
		return fmt.Errorf("pgtest: start the server: %w", err)
	}
	return nil
}

// Remove stops the server and deletes its folder.
func (s *Server) Remove() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.postmaster != nil {
		s.postmaster.stop()
	}
	if s.folder == "" {
		return nil
	}
	return os.RemoveAll(s.folder)
}

// binaries returns the folder with the newest server binaries.
func binaries() (string, error) {
	if folder := os.Getenv("AMLMOVE_PG_BIN"); folder != "" {
		return folder, nil
	}
	newest, version := "", 0
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // the pattern is a constant
	for _, path := range found {
		folder, number := filepath.Dir(path), 0
		_, _ = fmt.Sscan(filepath.Base(filepath.Dir(folder)), &number) // not a number: as old as can be
		if number >= version {
			newest, version = folder, number
		}
	}
	if newest == "" {
		return "", errMissing
	}
	return newest, nil
}
