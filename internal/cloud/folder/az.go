package folder

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/amlmove/amlmove/internal/errs"
)

// Az runs the real Azure CLI against the cloud of a data folder, in a configuration folder of its own (the user's ~/.azure is never touched).
type Az struct {
	dir   string
	state State
	path  string
}

// FindAz prepares az for a data folder: registers the cloud and signs in as the client, unless that was done for this endpoint before. NotFound when az
// is not installed.
func FindAz(ctx context.Context, dir string, state State) (*Az, error) {
	path, err := exec.LookPath("az")
	if err != nil {
		return nil, errs.Wrap(errs.NotFound, "AzNotFound", err, "the Azure CLI is not installed").Advise("install the package azure-cli")
	}
	az := &Az{dir: dir, state: state, path: path}
	return az, az.prepare(ctx)
}

// readyFile says for which endpoint and client az's folder is prepared.
const readyFile = "amlmove.ready"

func (a *Az) prepare(ctx context.Context) error {
	config := filepath.Join(a.dir, AzureDir)
	ready := filepath.Join(config, readyFile)
	mark := a.state.Endpoint + " " + a.state.ClientID
	if have, err := os.ReadFile(ready); err == nil && string(have) == mark {
		return nil
	}
	if err := os.RemoveAll(config); err != nil { // tokens and endpoints of an earlier cloud
		return errs.Wrap(errs.Unavailable, "DataFolder", err, "clear az's folder %s", config)
	}
	if err := os.MkdirAll(config, 0o700); err != nil {
		return errs.Wrap(errs.Unavailable, "DataFolder", err, "make az's folder %s", config)
	}
	description, err := json.Marshal(a.cloudConfig())
	if err != nil {
		return err
	}
	secret := filepath.Join(config, "secret")
	defer func() { _ = os.Remove(secret) }()
	for name, data := range map[string][]byte{"cloud-config.json": description, "secret": []byte(a.state.ClientSecret)} {
		if err := writeWhole(filepath.Join(config, name), data); err != nil {
			return errs.Wrap(errs.Unavailable, "DataFolder", err, "write %s", filepath.Join(config, name))
		}
	}
	for _, args := range [][]string{
		{"cloud", "register", "-n", "amlmove", "--cloud-config", "@" + filepath.Join(config, "cloud-config.json")},
		{"cloud", "set", "-n", "amlmove"},
		{"login", "--service-principal", "-u", a.state.ClientID, "-p", "@" + secret, "--tenant", a.state.TenantID},
	} {
		var out bytes.Buffer
		if code, err := a.run(ctx, offline, nil, &out, &out, args...); err != nil || code != 0 {
			return errs.Wrap(errs.Unavailable, "AzNotReady", err, "az %s ended with exit code %d: %s", strings.Join(args[:2], " "), code, strings.TrimSpace(out.String()))
		}
	}
	return writeWhole(ready, []byte(mark))
}

// offline keeps az on this machine: in a fresh configuration folder its first command asks the internet for newer versions of itself. Port 1 is closed.
var offline = []string{"HTTPS_PROXY=http://127.0.0.1:1", "https_proxy=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1", "http_proxy=http://127.0.0.1:1"}

// cloudConfig describes the cloud to az without a request (client-wire 2.2).
func (a *Az) cloudConfig() map[string]any {
	base := a.state.Endpoint
	return map[string]any{
		"endpoints": map[string]string{
			"resourceManager": base, "management": base + "/", "activeDirectory": base + "/adfs", "activeDirectoryResourceId": base + "/",
			"activeDirectoryGraphResourceId": base + "/graph/", "microsoftGraphResourceId": base + "/", "gallery": base + "/",
			"logAnalyticsResourceId": base + "/", "appInsightsResourceId": base + "/",
		},
		"suffixes": map[string]string{"storageEndpoint": "core.local.test", "keyvaultDns": ".vault.local.test", "acrLoginServerEndpoint": ".azurecr.local.test"},
	}
}

// Run runs az with arguments and returns its exit code. An error means that az could not be run at all.
func (a *Az) Run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, args ...string) (int, error) {
	return a.run(ctx, nil, stdin, stdout, stderr, args...)
}

func (a *Az) run(ctx context.Context, extra []string, stdin io.Reader, stdout, stderr io.Writer, args ...string) (int, error) {
	cmd := exec.CommandContext(ctx, a.path, args...)
	cmd.Env = withEnv(os.Environ(), append(Environment(a.dir, a.state).List(), extra...))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
	err := cmd.Run()
	if cmd.ProcessState != nil && cmd.ProcessState.Exited() {
		return cmd.ProcessState.ExitCode(), nil
	}
	return -1, fmt.Errorf("run az: %w", err)
}

// withEnv lays variables over an environment.
func withEnv(base, over []string) []string {
	set := map[string]bool{}
	for _, v := range over {
		name, _, _ := strings.Cut(v, "=")
		set[name] = true
	}
	var out []string
	for _, v := range base {
		if name, _, _ := strings.Cut(v, "="); !set[name] {
			out = append(out, v)
		}
	}
	return append(out, over...)
}
