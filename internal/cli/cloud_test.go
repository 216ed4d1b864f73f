package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/folder"
	"github.com/amlmove/amlmove/internal/errs"
)

// asProgram makes the test binary be the program itself: `cloud up --detach` starts its own executable.
const asProgram = "AMLMOVE_CLI_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// run runs a command line in this process.
func run(args ...string) (code int, out, stderr string) {
	var o, e bytes.Buffer
	code = Main(args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

func TestMistakesAreToldWithWhatToDo(t *testing.T) {
	t.Parallel()
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, folder.DatabaseFile), []byte("not a database at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		says []string
	}{
		{"a command that is none", []string{"bogus"}, []string{"bogus"}},
		{"a fixture that is none", []string{"cloud", "up", "--data", t.TempDir(), "--fixture", "nope"}, []string{`"nope"`, "contoso-quiet"}},
		{"an address that others reach", []string{"cloud", "up", "--data", t.TempDir(), "--listen", "0.0.0.0:0"}, []string{"0.0.0.0:0", "--allow-remote"}},
		{"an address that cannot be advertised", []string{"cloud", "up", "--data", t.TempDir(), "--advertise", "http://x"}, []string{"http://x", "https://host:port"}},
		{"a store that is no database", []string{"cloud", "up", "--data", foreign}, []string{folder.DatabaseFile, "not touched"}},
		{"a database server that is not there", []string{"cloud", "up", "--data", t.TempDir(), "--store", "postgres://nobody@127.0.0.1:1/x"}, []string{"PostgreSQL", "check that the server runs"}},
		{"the status of no cloud", []string{"cloud", "status", "--data", t.TempDir()}, []string{"no cloud runs", "cloud up --data"}},
		{"the end of no cloud", []string{"cloud", "down", "--data", t.TempDir()}, []string{"no cloud runs", "cloud up --data"}},
		{"az without a cloud", []string{"cloud", "az", "--data", t.TempDir(), "--", "account", "list"}, []string{"no cloud runs", "cloud up --data"}},
		{"az without arguments", []string{"cloud", "az"}, []string{"requires at least 1 arg"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, out, stderr := run(c.args...)
			if code != exitError || out != "" {
				t.Errorf("exit code %d, output %q", code, out)
			}
			for _, want := range c.says {
				if !strings.Contains(stderr, want) {
					t.Errorf("%q is missing in %q", want, stderr)
				}
			}
		})
	}
}

// TestTheLifeOfADetachedCloud starts, looks, asks az, kills, starts again and stops, as a person at a terminal would.
func TestTheLifeOfADetachedCloud(t *testing.T) {
	t.Setenv(asProgram, "1")
	data := filepath.Join(t.TempDir(), "cloud")
	want := func(wantCode int, says []string, args ...string) string {
		t.Helper()
		code, out, stderr := run(append(append([]string{}, args[:2]...), append([]string{"--data", data}, args[2:]...)...)...)
		if code != wantCode {
			t.Fatalf("%v ended with %d: %s%s", args, code, out, stderr)
		}
		for _, text := range says {
			if !strings.Contains(out+stderr, text) {
				t.Errorf("%v: %q is missing in %q", args, text, out+stderr)
			}
		}
		return out
	}
	want(exitError, []string{`"nope"`, "contoso-quiet"}, "cloud", "seed", "--fixture", "nope")
	want(exitDone, []string{"empty made in " + data, "3 subscriptions", "cloud up --data"}, "cloud", "seed", "--fixture", "empty")
	want(exitError, []string{"holds empty already", "cloud up --data"}, "cloud", "seed", "--fixture", "contoso")
	want(exitDone, []string{"cloud ready at https://127.0.0.1:", "fixture empty", folder.EnvFile}, "cloud", "up", "--fixture", "contoso", "--detach")
	t.Cleanup(func() { _, _, _ = run("cloud", "down", "--data", data) })
	state, err := folder.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	want(exitDone, []string{state.Endpoint, "sqlite", state.Subscriptions[0]}, "cloud", "status")
	want(exitError, []string{"table or json"}, "cloud", "status", "-o", "yaml")
	if shown := want(exitDone, []string{state.TenantID}, "cloud", "status", "-o", "json"); strings.Contains(shown, state.ClientSecret) {
		t.Error("the status shows the client's secret")
	}
	want(exitError, []string{"a cloud runs on", "cloud down"}, "cloud", "up", "--detach")
	want(exitError, []string{"in use by another cloud"}, "cloud", "up")
	withAz(t, want, state)
	statesHaveNames(t, want, data, state)
	theAPIIsAsked(t, want)

	if err := syscall.Kill(state.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	want(exitError, []string{"nothing of its own answers"}, "cloud", "status")
	strangersAreLeftAlone(t, data, state)
	want(exitDone, []string{"cloud ready", "fixture empty"}, "cloud", "up", "--detach")
	again, err := folder.Read(data)
	if err != nil || again.PID == state.PID || again.ClientSecret != state.ClientSecret {
		t.Errorf("after a kill the folder says %+v, %v", again, err)
	}
	want(exitDone, []string{"cloud stopped"}, "cloud", "down")
	want(exitError, []string{"no cloud runs"}, "cloud", "status")
	for _, name := range []string{folder.CAFile, folder.EnvFile, folder.DatabaseFile} {
		if info, err := os.Stat(filepath.Join(data, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// statesHaveNames gives a state a name, changes the cloud, goes back, and writes down what there is.
func statesHaveNames(t *testing.T, want func(int, []string, ...string) string, data string, state folder.State) {
	t.Helper()
	client, err := connect(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	group := "/subscriptions/" + state.Subscriptions[0] + "/resourceGroups/passing-rg"
	want(exitDone, []string{"no state of this cloud has a name"}, "cloud", "fork")
	want(exitDone, []string{"empty-handed  20"}, "cloud", "fork", "empty-handed")
	want(exitError, []string{"There is a fork 'empty-handed' already"}, "cloud", "fork", "empty-handed")
	want(exitError, []string{"is no name of a fork"}, "cloud", "fork", "empty handed")
	want(exitDone, []string{"50%?#"}, "cloud", "fork", "50%?#")
	want(exitDone, []string{"empty-handed  20"}, "cloud", "fork", "50%?#", "--drop")
	want(exitError, []string{"There is no fork"}, "cloud", "fork", "50%?#", "--drop")
	want(exitError, []string{"--drop needs the name"}, "cloud", "fork", "--drop")
	want(exitError, []string{"There is no fork 'other'", "404"}, "cloud", "rewind", "other")
	if _, err := client.Do(t.Context(), http.MethodPut, group, "2021-04-01", map[string]string{"location": "eastus"}); err != nil {
		t.Fatal(err)
	}
	want(exitDone, []string{`"name": "empty-handed"`}, "cloud", "rewind", "empty-handed", "-o", "json")
	if _, err := client.Do(t.Context(), http.MethodGet, group, "2021-04-01", nil); !errs.Is(err, errs.NotFound) {
		t.Errorf("a group that was made meanwhile gives %v", err)
	}
	want(exitError, []string{"has no workspace"}, "cloud", "record", t.TempDir())
	if code, out, stderr := run("assess", "--all", "--endpoint", data, "-o", "json"); code != exitDone || out != "[]\n" || !strings.Contains(stderr, "no workspace was found") || strings.Contains(stderr, "not looked at") {
		t.Errorf("of a cloud without workspaces assess says, with %d: %s%s", code, out, stderr)
	}
	if code, out, stderr := run("assess", "--all", "--endpoint", data, "-o", "json", "--html", filepath.Join(data, "none", "a.html")); code != exitError || out != "[]\n" || !strings.Contains(stderr, "a.html") {
		t.Errorf("when its page cannot be written assess says, with %d: %s%s", code, out, stderr)
	}
	want(exitDone, nil, "cloud", "api", "POST", "faults", `{"kind":"status","status":403,"code":"AuthorizationFailed","match":{"path":"**/workspaces"}}`)
	if code, _, stderr := run("assess", "--all", "--endpoint", data); code != exitDone || !strings.Contains(stderr, "not looked at: the subscription "+state.Subscriptions[0]) {
		t.Errorf("of subscriptions that may not be read assess says, with %d: %s", code, stderr)
	}
	want(exitDone, nil, "cloud", "api", "DELETE", "faults")
	want(exitDone, []string{"no state of this cloud has a name"}, "cloud", "fork", "empty-handed", "--drop")
}

// theAPIIsAsked types requests to the cloud's own API.
func theAPIIsAsked(t *testing.T, want func(int, []string, ...string) string) {
	t.Helper()
	var status struct {
		Faults struct{ Count int }
		Clock  struct{ Frozen bool }
	}
	want(exitDone, []string{`"id": "fault-1"`}, "cloud", "api", "post", "faults", `{"kind":"drop","match":{"path":"/nothing"}}`)
	want(exitDone, []string{`"frozen": true`}, "cloud", "api", "POST", "/_cloud/clock", `{"freeze":true}`)
	if err := json.Unmarshal([]byte(want(exitDone, nil, "cloud", "api", "GET", "status")), &status); err != nil || status.Faults.Count != 1 || !status.Clock.Frozen {
		t.Errorf("the status is %+v (%v)", status, err)
	}
	want(exitDone, nil, "cloud", "api", "DELETE", "faults")
	want(exitDone, []string{`"frozen": false`}, "cloud", "api", "POST", "clock", `{"freeze":false}`)
	want(exitError, []string{"404", "names nothing of this cloud"}, "cloud", "api", "GET", "moon")
	want(exitError, []string{"none of the methods"}, "cloud", "api", "SHOOT", "faults")
	want(exitError, []string{"no JSON"}, "cloud", "api", "POST", "faults", "{")
	want(exitError, []string{"must be true, false or", "400"}, "cloud", "api", "POST", "faults", `{"kind":"moveTimedOut","happened":"maybe"}`)
}

// strangersAreLeftAlone gives the dead cloud's process id to somebody else: `down` must not stop that one.
func strangersAreLeftAlone(t *testing.T, data string, dead folder.State) {
	t.Helper()
	stranger := exec.Command("cat") // waits for input that never comes
	input, err := stranger.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	dead.PID = stranger.Process.Pid
	ca, err := os.ReadFile(dead.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := folder.Publish(data, dead, ca); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := run("cloud", "down", "--data", data); code != exitDone || !strings.Contains(stderr, "does not answer any more") {
		t.Errorf("down ended with %d: %s", code, stderr)
	}
	_ = input.Close()
	if err := stranger.Wait(); err != nil {
		t.Errorf("the stranger was stopped: %v", err)
	}
}

// withAz asks the real az, whose exit code and output pass through.
func withAz(t *testing.T, want func(int, []string, ...string) string, state folder.State) {
	t.Helper()
	if _, err := exec.LookPath("az"); err != nil {
		if os.Getenv("AMLMOVE_TEST_ALL") == "1" {
			t.Fatal("the Azure CLI (package azure-cli) is not installed")
		}
		t.Log("skipped: cloud az, the Azure CLI (package azure-cli) is not installed")
		return
	}
	out := want(exitDone, nil, "cloud", "az", "--", "account", "show", "--query", "id", "-o", "tsv")
	if strings.TrimSpace(out) != state.Subscriptions[0] {
		t.Errorf("az is signed in to %q, want %s", out, state.Subscriptions[0])
	}
	want(3, []string{"ResourceGroupNotFound"}, "cloud", "az", "--", "group", "show", "-n", "nowhere")
}
