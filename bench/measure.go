package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// connections is how many clients knock at once.
const connections = 16

// target is a running server.
type target struct {
	dir, endpoint, token string
	client               *http.Client
	process              *exec.Cmd
	path                 func(n int) string
	workspace, list      string
	body                 []byte
}

// measure starts a server, fills it, reads it, and stops it.
func measure(ctx context.Context, name, dsn string, count int) (figures, error) {
	var f figures
	dir, err := os.MkdirTemp("", "amlmove-bench-")
	if err != nil {
		return f, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary, err := buildBinary(ctx)
	if err != nil {
		return f, err
	}
	if dsn, err = freshSchema(ctx, dsn); err != nil {
		return f, err
	}
	t := &target{dir: dir}
	if name == "cloud" { // the first start makes the world; the second is the one that is timed
		if _, err := t.start(ctx, binary, "cloud", "up", "--data", dir, "--fixture", "contoso-quiet", "--store", dsn); err != nil {
			return f, err
		}
		t.stop()
	}
	if f.ready, err = t.start(ctx, command(name, binary, dir, dsn)...); err != nil {
		return f, err
	}
	defer t.stop()
	if err := t.aim(ctx, name); err != nil {
		return f, err
	}
	f.idle = resident(t.process.Process.Pid)
	busy0 := cpuTime(t.process.Process.Pid)
	if f.put, err = t.rate(ctx, http.MethodPut, count); err != nil {
		return f, err
	}
	f.putCPU = (cpuTime(t.process.Process.Pid) - busy0) / time.Duration(count)
	f.after = resident(t.process.Process.Pid)
	busy := cpuTime(t.process.Process.Pid)
	if f.get, err = t.rate(ctx, http.MethodGet, count); err != nil {
		return f, err
	}
	f.getCPU = (cpuTime(t.process.Process.Pid) - busy) / time.Duration(count)
	if t.list == "" {
		f.versions = f.put
	} else {
		began := time.Now()
		seen, err := t.walk(ctx)
		if err != nil {
			return f, err
		}
		if seen < count {
			return f, fmt.Errorf("the list shows %d of %d", seen, count)
		}
		f.list = time.Since(began)
		t.collection("/models/bench/versions", modelBody)
		if f.versions, err = t.rate(ctx, http.MethodPut, count/2); err != nil {
			return f, err
		}
	}
	return f, nil
}

// freshSchema is the address of an empty schema of a PostgreSQL database: what is put must not be there from the round before.
func freshSchema(ctx context.Context, dsn string) (string, error) {
	if dsn == "" {
		return "", nil
	}
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, `DROP SCHEMA IF EXISTS amlmove_bench CASCADE; CREATE SCHEMA amlmove_bench; CHECKPOINT`); err != nil {
		return "", err
	}
	address, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	query := address.Query()
	query.Set("search_path", "amlmove_bench")
	address.RawQuery = query.Encode()
	return address.String(), nil
}

// command is how a server is started.
func command(name, binary, dir, dsn string) []string {
	if name == "cloud" {
		return []string{binary, "cloud", "up", "--data", dir, "--store", dsn}
	}
	if dsn == "" {
		dsn = filepath.Join(dir, "control.db")
	}
	return []string{os.Args[0], "-dir", dir, "-control", dsn}
}

var built struct {
	sync.Mutex
	path string
}

// buildBinary builds amlmove once.
func buildBinary(ctx context.Context) (string, error) {
	built.Lock()
	defer built.Unlock()
	if built.path != "" {
		return built.path, nil
	}
	path := filepath.Join(os.TempDir(), fmt.Sprintf("amlmove-bench-%d", os.Getpid()))
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/amlmove/amlmove/cmd/amlmove").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build amlmove: %w: %s", err, out)
	}
	built.path = path
	return path, nil
}

// startLimit is how long a server may take to be ready: one that makes a world of a million documents takes minutes.
const startLimit = 15 * time.Minute

// start runs a server and waits for its cloud.json; it returns how long that took.
func (t *target) start(ctx context.Context, args ...string) (time.Duration, error) {
	state := filepath.Join(t.dir, "cloud.json")
	_ = os.Remove(state)
	t.process = exec.CommandContext(ctx, args[0], args[1:]...)
	var stderr bytes.Buffer
	t.process.Stderr = &stderr
	began := time.Now()
	if err := t.process.Start(); err != nil {
		return 0, err
	}
	for deadline := began.Add(startLimit); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if data, err := os.ReadFile(state); err == nil {
			return time.Since(began), t.read(data)
		}
	}
	t.stop()
	return 0, fmt.Errorf("%s was not ready in %s: %s", args[0], startLimit, stderr.String())
}

// cloudState is what bench reads of cloud.json.
type cloudState struct {
	Endpoint, TenantID, ClientID, ClientSecret string
	Subscriptions                              []string
}

func (t *target) read(data []byte) error {
	var state cloudState
	if err := json.Unmarshal(data, &state); err != nil {
		return err
	}
	ca, err := os.ReadFile(filepath.Join(t.dir, "ca.pem"))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	t.endpoint = state.Endpoint
	t.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: connections, ReadBufferSize: 64 << 10}}
	return nil
}

func (t *target) stop() {
	_ = t.process.Process.Signal(syscall.SIGTERM)
	_ = t.process.Wait()
}

// aim decides what is put and read.
func (t *target) aim(ctx context.Context, name string) error {
	if name != "cloud" {
		t.body = []byte(connectionBody)
		t.path = func(n int) string { return fmt.Sprintf("/bench/%06d", n) }
		return nil
	}
	data, err := os.ReadFile(filepath.Join(t.dir, "cloud.json"))
	if err != nil {
		return err
	}
	var state cloudState
	if err := json.Unmarshal(data, &state); err != nil {
		return err
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {state.ClientID}, "client_secret": {state.ClientSecret}, "scope": {state.Endpoint + "/.default"}}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := t.json(ctx, http.MethodPost, state.Endpoint+"/"+state.TenantID+"/oauth2/v2.0/token", "application/x-www-form-urlencoded", form.Encode(), &token); err != nil {
		return err
	}
	t.token = token.AccessToken
	var workspaces struct{ Value []struct{ ID string } }
	if err := t.json(ctx, http.MethodGet, state.Endpoint+"/subscriptions/"+state.Subscriptions[0]+"/providers/Microsoft.MachineLearningServices/workspaces?api-version=2024-04-01", "", "", &workspaces); err != nil {
		return err
	}
	t.workspace = workspaces.Value[0].ID
	t.collection("/connections", connectionBody)
	return nil
}

// collection turns to another kind of children.
func (t *target) collection(path, body string) {
	t.body = []byte(body)
	t.path = func(n int) string { return fmt.Sprintf("%s%s/b%06d?api-version=2024-04-01", t.workspace, path, n) }
	t.list = t.endpoint + t.workspace + path + "?api-version=2024-04-01"
}

// What is written: a document of one row, and one whose container counts it in the same transaction.
const (
	connectionBody = `{"properties":{"authType":"None","category":"Git","target":"https://git.contoso.test/models","metadata":{"about":"a part of the bench","team":"vision","stage":"test"}}}`
	modelBody      = `{"properties":{"modelUri":"azureml://datastores/workspaceblobstore/paths/models/bench","modelType":"custom_model","description":"a part of the bench","tags":{"team":"bench","stage":"test"},"properties":{"accuracy":"0.97"}}}`
)

func (t *target) json(ctx context.Context, method, address, contentType, body string, into any) error {
	data, err := t.send(ctx, method, address, contentType, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

func (t *target) send(ctx context.Context, method, address, contentType, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", contentType)
	if t.token != "" {
		req.Header.Set("Authorization", "Bearer "+t.token)
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := readBody(resp)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, address, resp.Status, data)
	}
	return data, nil
}

// readBody reads an answer into a buffer of its size: growing one would measure the client.
func readBody(resp *http.Response) ([]byte, error) {
	data := bytes.NewBuffer(make([]byte, 0, max(0, resp.ContentLength)+bytes.MinRead))
	_, err := data.ReadFrom(resp.Body)
	return data.Bytes(), err
}

// rate sends count requests over all connections, checks every answer, and returns how many were answered in a second.
func (t *target) rate(ctx context.Context, method string, count int) (float64, error) {
	var next atomic.Int64
	failures := make(chan error, connections)
	began := time.Now()
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				if n >= count {
					return
				}
				if err := t.one(ctx, method, n); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-failures:
		return 0, err
	default:
	}
	return float64(count) / time.Since(began).Seconds(), nil
}

func (t *target) one(ctx context.Context, method string, n int) error {
	var body io.Reader
	if method == http.MethodPut {
		body = bytes.NewReader(t.body)
	}
	req, err := http.NewRequestWithContext(ctx, method, t.endpoint+t.path(n), body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if t.token != "" {
		req.Header.Set("Authorization", "Bearer "+t.token)
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode >= 300 || !bytes.Contains(data, []byte("a part of the bench"))) {
		err = fmt.Errorf("%s: %s: %s", method, resp.Status, data)
	}
	return err
}

// walk follows a list to its end and counts.
func (t *target) walk(ctx context.Context) (int, error) {
	seen := 0
	for address := t.list; address != ""; {
		data, err := t.send(ctx, http.MethodGet, address, "", "")
		if err != nil {
			return seen, err
		}
		seen += bytes.Count(data, []byte(`,"name":"`)) // parsing would measure the client
		_, next, more := bytes.Cut(data, []byte(`"nextLink":"`))
		next, _, _ = bytes.Cut(next, []byte(`"`))
		address = ""
		if more {
			address = strings.ReplaceAll(string(next), `\u0026`, "&")
		}
	}
	return seen, nil
}

// cpuTime is how long a process has been busy, in user and kernel; 0 where /proc is not there. Unlike rates it hardly depends on what else runs.
func cpuTime(pid int) time.Duration {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	var user, system int64
	_, _ = fmt.Sscan(fields[11], &user)
	_, _ = fmt.Sscan(fields[12], &system)
	return time.Duration(user+system) * 10 * time.Millisecond // ticks of 1/100 s
}

// resident is the resident memory of a process in MB; 0 where /proc is not there.
func resident(pid int) float64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		var kb float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kb); n == 1 {
			return kb / 1024
		}
	}
	return 0
}
