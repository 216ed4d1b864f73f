// Package folder is the data folder of a running cloud: the file cloud.json by which others find it, the certificate authority, the environment for
// az and the SDKs, and az's own configuration folder. It starts nothing; cli and cloudtest do.
package folder

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/errs"
)

// Names of the files in a data folder.
const (
	StateFile    = "cloud.json"
	CAFile       = "ca.pem"
	EnvFile      = "env.sh"
	DatabaseFile = "cloud.db"
	LogFile      = "cloud.log"
	AzureDir     = "azure"
)

// State is cloud.json (design, section 5). The cloud is ready when the file is there.
type State struct {
	Endpoint      string      `json:"endpoint"`
	CAFile        string      `json:"caFile"`
	TenantID      string      `json:"tenantId"`
	ClientID      string      `json:"clientId"`
	ClientSecret  string      `json:"clientSecret"`
	Subscriptions []string    `json:"subscriptions"`
	PID           int         `json:"pid"`
	Address       string      `json:"address"` // host:port that the process itself listens on; Endpoint may be a balancer's
	Fixture       string      `json:"fixture"`
	Store         string      `json:"store"` // sqlite or postgres
	Principals    []Principal `json:"principals"`
}

// Principal is one who may sign in besides the client.
type Principal struct {
	Name         string   `json:"name"`
	Kind         string   `json:"kind"`
	TenantID     string   `json:"tenantId"`
	ObjectID     string   `json:"objectId"`
	ClientID     string   `json:"clientId,omitempty"`
	ClientSecret string   `json:"clientSecret,omitempty"`
	UserName     string   `json:"userName,omitempty"`
	Password     string   `json:"password,omitempty"`
	Roles        []string `json:"roles"` // "role at scope"
}

// NewState describes a running cloud.
func NewState(dir, endpoint, address, store string, s fixture.Summary) State {
	state := State{Endpoint: endpoint, Address: address, CAFile: filepath.Join(dir, CAFile), TenantID: s.TenantID, ClientID: s.Client.ClientID,
		ClientSecret: s.Client.ClientSecret, PID: os.Getpid(), Fixture: s.Fixture, Store: store, Subscriptions: []string{}, Principals: []Principal{}}
	for _, sub := range s.Subscriptions {
		if strings.EqualFold(sub.TenantID, s.TenantID) {
			state.Subscriptions = append(state.Subscriptions, sub.ID)
		}
	}
	for _, p := range s.Principals {
		principal := Principal{Name: p.Name, Kind: p.Kind, TenantID: p.TenantID, ObjectID: p.ObjectID, ClientID: p.ClientID,
			ClientSecret: p.ClientSecret, UserName: p.UserName, Password: p.Password, Roles: []string{}}
		for _, role := range p.Roles {
			principal.Roles = append(principal.Roles, role.Role+" at "+role.Scope)
		}
		state.Principals = append(state.Principals, principal)
	}
	return state
}

// Make creates a data folder that only its owner can read, and returns its absolute path.
func Make(dir string) (string, error) {
	full, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(full, 0o700)
	}
	if err != nil {
		return "", errs.Wrap(errs.Invalid, "DataFolder", err, "the data folder %s cannot be made", dir).Advise("choose another one with --data")
	}
	return full, nil
}

// Publish writes the files of a running cloud, cloud.json last and at once: who sees it can use it.
func Publish(dir string, state State, ca []byte) error {
	files := []struct {
		name string
		data []byte
	}{{CAFile, ca}, {EnvFile, []byte(Environment(dir, state).script())}, {StateFile, nil}}
	data, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return err
	}
	files[2].data = append(data, '\n')
	for _, f := range files {
		if err := writeWhole(filepath.Join(dir, f.name), f.data); err != nil {
			return errs.Wrap(errs.Unavailable, "DataFolder", err, "write %s in the data folder %s", f.name, dir)
		}
	}
	return nil
}

// writeWhole writes a file that is either not there or whole.
func writeWhole(path string, data []byte) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// Withdraw takes cloud.json away: the cloud is no longer to be found.
func Withdraw(dir string) error {
	err := os.Remove(filepath.Join(dir, StateFile))
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// Read reads cloud.json.
func Read(dir string) (State, error) {
	var state State
	path := filepath.Join(dir, StateFile)
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return state, errs.New(errs.NotFound, "CloudNotRunning", "no cloud runs on the data folder %s: there is no %s", dir, StateFile).
			Advise("start one with: amlmove cloud up --data %s", dir)
	}
	if err == nil {
		err = json.Unmarshal(data, &state)
	}
	if err != nil {
		return state, errs.Wrap(errs.Invalid, "CloudFileDamaged", err, "%s cannot be read", path).Advise("stop the cloud and start it again")
	}
	return state, nil
}

// Env is environment variables in a fixed order.
type Env []struct{ Name, Value string }

// Environment is what az and the SDKs need to use a cloud: az's own configuration folder so that the user's is never touched, the certificate
// authority for Python, Go and Node, and the credential of the client.
func Environment(dir string, s State) Env {
	return Env{
		{"AMLMOVE_ENDPOINT", s.Endpoint},
		{"AZURE_CONFIG_DIR", filepath.Join(dir, AzureDir)},
		{"AZURE_TENANT_ID", s.TenantID},
		{"AZURE_CLIENT_ID", s.ClientID},
		{"AZURE_CLIENT_SECRET", s.ClientSecret},
		{"AZURE_AUTHORITY_HOST", s.Endpoint},
		{"AZURE_CORE_COLLECT_TELEMETRY", "0"},
		{"AZURE_CORE_ONLY_SHOW_ERRORS", "true"},
		{"AZURE_CORE_NO_COLOR", "true"},
		{"REQUESTS_CA_BUNDLE", s.CAFile},
		{"SSL_CERT_FILE", s.CAFile},
		{"NODE_EXTRA_CA_CERTS", s.CAFile},
		{"NO_PROXY", "127.0.0.1,localhost,::1"},
		{"no_proxy", "127.0.0.1,localhost,::1"},
	}
}

// List renders the variables for exec.Cmd.
func (e Env) List() []string {
	list := make([]string, len(e))
	for i, v := range e {
		list[i] = v.Name + "=" + v.Value
	}
	return list
}

// script renders the variables for a shell.
func (e Env) script() string {
	var b strings.Builder
	b.WriteString("# For a shell: . ./env.sh   It points az and the Azure SDKs at the cloud of this folder, until the shell ends.\n")
	for _, v := range e {
		fmt.Fprintf(&b, "export %s='%s'\n", v.Name, strings.ReplaceAll(v.Value, "'", `'\''`))
	}
	return b.String()
}
