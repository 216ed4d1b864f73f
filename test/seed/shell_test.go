// Package seed runs the commands of Azure's page on the move of a workspace with the real Azure CLI, as they are printed there, and looks at both ends
// through az afterwards. Nothing may leave the machine: every request that is not for the cloud goes to a trap, and a trap that was stepped on fails the run.
package seed

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/cloud/folder"
	"github.com/amlmove/amlmove/internal/errs"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run runs the tests behind the trap.
func run(m *testing.M) int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "set the trap:", err)
		return 1
	}
	var caught trap
	go caught.wait(listener)
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"} {
		if err := os.Setenv(name, "http://"+listener.Addr().String()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "4"); err != nil { // az waits more than it works
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	_ = listener.Close()
	for _, request := range caught.all() {
		fmt.Fprintln(os.Stderr, "az wanted to leave the machine:", request)
		code = 1
	}
	return code
}

// trap is a proxy that answers nobody and remembers who came.
type trap struct {
	mu       sync.Mutex
	requests []string
}

func (c *trap) wait(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		line := make([]byte, 200)
		n, _ := conn.Read(line)
		_ = conn.Close()
		first, _, _ := strings.Cut(string(line[:n]), "\r")
		c.mu.Lock()
		c.requests = append(c.requests, first)
		c.mu.Unlock()
	}
}

func (c *trap) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests
}

// scene is a cloud with a workspace to move, and a shell in which az is signed in to it.
type scene struct {
	*cloudtest.Cloud
	env                       []string
	source, target            string // subscriptions
	workspace, group, account string // ids: the workspace, its group, its storage account
	name, region              string // of the workspace
	associated                []string
}

// stage starts a cloud and signs az in. Without az the test is skipped by name, or fails when all tests are asked for.
func stage(t *testing.T, fixture string) *scene {
	t.Helper()
	if _, err := exec.LookPath("az"); err != nil {
		if os.Getenv("AMLMOVE_TEST_ALL") == "1" {
			t.Fatal("the Azure CLI is not installed (apt-get install azure-cli)")
		}
		t.Skipf("%s was not tried: the Azure CLI is not installed (apt-get install azure-cli)", t.Name())
	}
	s := &scene{Cloud: cloudtest.Start(t, cloudtest.Fixture(fixture))}
	if _, err := folder.FindAz(t.Context(), s.Dir, s.State()); err != nil {
		t.Fatalf("sign az in: %v", errs.As(err))
	}
	s.env = append(os.Environ(), folder.Environment(s.Dir, s.State()).List()...)
	s.source, s.target = s.Subscriptions[0], s.Subscriptions[1]
	list := s.Do(t, "", "GET", "/subscriptions/"+s.source+"/providers/Microsoft.MachineLearningServices/workspaces", nil).JSON(t)["value"].([]any)
	if len(list) == 0 {
		t.Fatalf("the world %s has no workspace to move", fixture)
	}
	doc := list[0].(map[string]any)
	s.workspace, s.name, s.region = doc["id"].(string), doc["name"].(string), doc["location"].(string)
	s.group, _, _ = strings.Cut(s.workspace, "/providers/")
	for _, property := range []string{"storageAccount", "keyVault", "containerRegistry", "applicationInsights"} {
		s.associated = append(s.associated, doc["properties"].(map[string]any)[property].(string))
	}
	s.account = s.associated[0]
	return s
}

// filled is a command of the page with the ids of this cloud in it; nothing else is changed.
func (s *scene) filled(command string) string {
	return strings.NewReplacer("origin-sub-id", s.source, "destination-sub-id", s.target, "origin-rg", s.group[strings.LastIndexByte(s.group, '/')+1:],
		"origin-workspace-name", s.name, "my-region", s.region).Replace(command)
}

// destination is the group that the page's commands make.
func (s *scene) destination() string {
	return "/subscriptions/" + s.target + "/resourceGroups/destination-rg"
}

// said is what a command printed.
type said struct {
	code     int
	out, err string
}

// sh has a shell run a command line.
func (s *scene) sh(t *testing.T, line string) said {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	var out, trouble bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = s.env, &out, &trouble
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatalf("run %s: %v", line, err)
	}
	return said{cmd.ProcessState.ExitCode(), out.String(), trouble.String()}
}

// must has the shell run a command line that must end well.
func (s *scene) must(t *testing.T, line string) said {
	t.Helper()
	got := s.sh(t, line)
	if got.code != 0 {
		t.Fatalf("%s\nended with exit code %d:\n%s%s", line, got.code, got.out, got.err)
	}
	return got
}

// read has the shell run a command line that must end well and print JSON.
func read[T any](t *testing.T, s *scene, line string) T {
	t.Helper()
	var value T
	got := s.must(t, line)
	if err := json.Unmarshal([]byte(got.out), &value); err != nil {
		t.Fatalf("%s\nprinted no such JSON: %v: %s%s", line, err, got.out, got.err)
	}
	return value
}
