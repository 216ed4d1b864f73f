package crash

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// startTime bounds how long a node may take to be ready on a machine that does much else.
const startTime = 30 * time.Second

// node is one process of a cloud: a data folder, a port that stays the same over all its lives, and a store.
type node struct {
	dir     string
	address string // 127.0.0.1:port
	dsn     string // of PostgreSQL, with the node's application_name; "" is SQLite in the folder
	fixture string
	owner   *client
	born    time.Time
	ready   []time.Duration // from exec to cloud.json, one for each life

	cmd  *exec.Cmd
	said chan error // nil: ready
	log  *journal
}

// newNode makes a node that has not lived yet.
func newNode(t *testing.T, dsn string) *node {
	t.Helper()
	n := &node{dir: t.TempDir(), address: freeAddress(t), fixture: "empty"}
	if dsn != "" {
		n.dsn = dsn + "&application_name=" + n.name()
	}
	t.Cleanup(n.kill)
	return n
}

// name tells the node's connections from others on the server.
func (n *node) name() string { return "crash-" + n.address[strings.LastIndexByte(n.address, ':')+1:] }

// freeAddress finds a port outside of the range from which the system gives ports to clients: nobody else must get it between two lives.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 1000 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(15000+rand.IntN(15000)))
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// spawn begins a life.
func (n *node) spawn(t *testing.T) {
	t.Helper()
	n.cmd = exec.Command(program(t), "cloud", "up", "--data", n.dir, "--listen", n.address, "--fixture", n.fixture, "--store", n.dsn)
	n.log, n.said = &journal{}, make(chan error, 1)
	n.cmd.Stderr = n.log
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	n.born = time.Now()
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func(said chan<- error) {
		lines := bufio.NewScanner(out)
		if lines.Scan() && strings.HasPrefix(lines.Text(), "cloud ready at ") {
			said <- nil
		} else {
			said <- errors.New("it ended before it was ready")
		}
		_, _ = io.Copy(io.Discard, out)
	}(n.said)
}

// await waits until the node is ready, and checks that cloud.json is that of this life.
func (n *node) await(t *testing.T) {
	t.Helper()
	select {
	case err := <-n.said:
		if err != nil {
			_ = n.cmd.Wait()
			t.Fatalf("start the node at %s: %v\n%s", n.address, err, n.log)
		}
	case <-time.After(startTime):
		t.Fatalf("the node at %s is not ready after %v\n%s", n.address, startTime, n.log)
	}
	n.ready = append(n.ready, time.Since(n.born))
	if n.owner != nil {
		n.owner.http.CloseIdleConnections() // they ended with the life before
	}
	if state := n.state(t); state.PID != n.cmd.Process.Pid {
		t.Errorf("cloud.json names process %d, the node is %d", state.PID, n.cmd.Process.Pid)
	}
}

func (n *node) start(t *testing.T) {
	t.Helper()
	n.spawn(t)
	n.await(t)
}

// kill ends a life with kill -9 and waits until the process is gone.
func (n *node) kill() {
	if n.cmd == nil {
		return
	}
	_ = n.cmd.Process.Kill() // it may have ended by itself: whoever waits for it says so
	_ = n.cmd.Wait()
	n.cmd = nil
}

// fails waits for a start that must not succeed, and returns what it said.
func (n *node) fails(t *testing.T) string {
	t.Helper()
	n.spawn(t)
	err := <-n.said
	if err == nil {
		t.Errorf("the node at %s started", n.address)
		n.kill()
		return ""
	}
	_ = n.cmd.Wait()
	n.cmd = nil
	return n.log.String()
}

// state is cloud.json.
type state struct {
	Endpoint, CAFile, TenantID, ClientID, ClientSecret string
	Subscriptions                                      []string
	PID                                                int
	Principals                                         []struct{ Name, TenantID, ObjectID, ClientID, ClientSecret string }
}

func (n *node) stateFile() string { return filepath.Join(n.dir, "cloud.json") }

func (n *node) state(t *testing.T) state {
	t.Helper()
	var s state
	data, err := os.ReadFile(n.stateFile())
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		t.Fatalf("read cloud.json: %v", err)
	}
	return s
}

// client returns a client of the node's owner. Its trust and its token are those of the first life.
func (n *node) client(t *testing.T) *client {
	t.Helper()
	if n.owner == nil {
		s := n.state(t)
		n.owner = newClient(t, s)
		n.owner.token = n.owner.signIn(t, s.TenantID, s.ClientID, s.ClientSecret)
	}
	return n.owner
}

// journal keeps what a node writes to standard error.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// complaints are the errors that a node logged.
func (j *journal) complaints() []string {
	var list []string
	for line := range strings.Lines(j.String()) {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "panic") || strings.Contains(line, "DATA RACE") {
			list = append(list, strings.TrimSpace(line))
		}
	}
	return list
}

// program builds the real program once.
func program(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var build = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("AMLMOVE_CRASH_PROGRAM"); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "amlmove-crash-")
	if err != nil {
		return "", err
	}
	builtIn = dir
	path := filepath.Join(dir, "amlmove")
	if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", path, "github.com/amlmove/amlmove/cmd/amlmove").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
})

// builtIn is the folder that build made.
var builtIn string

// vanish waits until PostgreSQL has noticed that a killed node is gone: until then a commit may be on its way.
func (n *node) vanish(t *testing.T) {
	t.Helper()
	if n.dsn == "" {
		return
	}
	r := openRows(t, n)
	defer r.close()
	eventually(t, "the connections of a dead node end", func() bool {
		return len(r.column(t, `SELECT application_name FROM pg_stat_activity WHERE application_name = '`+n.name()+`'`)) == 0
	})
}
