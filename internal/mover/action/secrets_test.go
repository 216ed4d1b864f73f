package action

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/seal"
)

// canaries are the texts below secret members of a listing.
func canaries(t *testing.T, listing string) []string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(listing), &value); err != nil {
		t.Fatal(err)
	}
	var found []string
	var walk func(name string, value any)
	walk = func(name string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for n, inner := range v {
				if name == "keys" {
					n = "key"
				}
				walk(n, inner)
			}
		case string:
			switch name {
			case "key", "sasToken", "clientSecret", "primaryKey", "secondaryKey", "password", "pat", "secretAccessKey":
				if len(v) > 8 {
					found = append(found, v)
				}
			}
		}
	}
	walk("", value)
	return found
}

// plain undoes what JSON does to an ampersand.
func plain(text string) string { return strings.ReplaceAll(text, `\u0026`, "&") }

func TestSecretsAreNowhereButInTheSealedFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	w.Folder = t.TempDir()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(w.Folder, "secrets.age")
	if w.Secrets, err = seal.Open(file, key); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	w.Tell = func(p Progress) { fmt.Fprintln(&said, p) }
	var all []string
	for _, c := range []struct{ path, verb string }{
		{"datastores/raw_images", "listSecrets"}, {"datastores/landing_zone", "listSecrets"}, {"datastores/feature_lake", "listSecrets"},
		{"onlineEndpoints/contoso-fraud", "listKeys"}, {"connections/contoso-openai", "listsecrets"}, {"connections/snowflake-dwh", "listsecrets"},
		{"connections/git-models", "listsecrets"}, {"connections/s3-suppliers", "listsecrets"}, {"connections/weather-api", "listsecrets"},
	} {
		planted := canaries(t, w.secrets(t, w.below(c.path), c.verb))
		if len(planted) == 0 {
			t.Fatalf("%s has no secret: the test shows nothing", c.path)
		}
		all = append(all, planted...)
		w.want(t, w.task(plan.SaveSecrets, w.below(c.path), nil))
		sealed, _ := w.Secrets.Get(w.below(c.path))
		for _, canary := range planted {
			if !strings.Contains(plain(string(sealed)), canary) {
				t.Errorf("D10 %s: a secret that the service tells is not in the box", c.path)
			}
		}
	}
	w.fault(t, `{"kind":"status","status":400,"code":"UserError","message":"no","match":{"method":"PUT","path":"**/raw_images"}}`)
	restore := w.task(plan.RestoreDatastore, w.below("datastores/raw_images"), nil)
	failure := w.find(t, restore).Do(t.Context(), restore)
	if failure == nil {
		t.Fatal("the write was not refused")
	}
	files := 0
	err = filepath.WalkDir(w.Folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		said.Write(data)
		return err
	})
	if err != nil || files == 0 {
		t.Fatalf("the folder of the run cannot be searched: %d files, %v", files, err)
	}
	fmt.Fprintf(&said, "%v %+v %v", failure, w.journal.entries, w.journal.remarks)
	for _, canary := range all {
		if strings.Contains(plain(said.String()), canary) {
			t.Error("D10 a secret stands in a file of the run, in its journal, or in an error")
		}
	}
}

func TestWhatHasNoSecretIsNotAskedForOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	task := w.task(plan.SaveSecrets, w.below("datastores/telemetry_events"), nil)
	w.done(t, task, true)
	if err := w.find(t, task).Do(t.Context(), task); err != nil {
		t.Errorf("S45 a datastore that is read with an identity: %v", err)
	}
	task = w.task(plan.SaveSecrets, w.below("computes/cpu-cluster"), nil)
	if err := w.find(t, task).Do(t.Context(), task); !errs.Is(err, errs.Unsupported) {
		t.Errorf("the secrets of a compute: %v", err)
	}
	if names := w.Secrets.Names(); len(names) != 0 {
		t.Errorf("something was sealed: %v", names)
	}
}

func TestWhatHoldsNoSecretIsNotSealed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, path, listing, missing string }{
		{"D2 a key that is null", "datastores", `{"secretsType":"AccountKey","key":null}`, "key"},
		{"D2 a signature that is empty", "datastores", `{"secretsType":"Sas","sasToken":""}`, "sasToken"},
		{"D2 a type that nobody knows", "datastores", `{"secretsType":"Novel","novelty":"x"}`, "type of secret that is known"},
		{"D2 an endpoint without keys", "onlineEndpoints", `{}`, "primaryKey"},
		{"D2 no object", "datastores", `[]`, "secrets that can be read"},
		{"a client secret", "datastores", `{"secretsType":"ServicePrincipal","clientSecret":"x"}`, ""},
		{"the keys of an endpoint", "onlineEndpoints", `{"primaryKey":"x","secondaryKey":"y"}`, ""},
		{"D2 a connection that tells null", "connections", `{"properties":{"authType":"AccountKey","credentials":null}}`, "key"},
		{"D2 a personal token that is empty", "connections", `{"properties":{"authType":"PAT","credentials":{"pat":""}}}`, "pat"},
		{"D2 a password without its user's name beside it", "connections", `{"properties":{"authType":"UsernamePassword","credentials":{"username":"u"}}}`, "password"},
		{"D2 a connection of which nothing is told", "connections", `{"properties":{}}`, "properties.authType"},
		{"D2 one of two access keys", "connections", `{"properties":{"authType":"AccessKey","credentials":{"accessKeyId":"x"}}}`, "secretAccessKey"},
		{"D2 custom keys that are all null", "connections", `{"properties":{"authType":"CustomKeys","credentials":{"keys":{"a":null}}}}`, "keys"},
		{"D2 a way to sign in that nobody knows", "connections", `{"properties":{"authType":"Novel","credentials":null}}`, "credentials"},
		{"D2 its name in other letters is another one", "connections", `{"properties":{"authType":"none"}}`, "credentials"},
		{"a way to sign in that nobody knows, with something", "connections", `{"properties":{"authType":"Novel","credentials":{"spell":"x"}}}`, ""},
		{"custom keys", "connections", `{"properties":{"authType":"CustomKeys","credentials":{"keys":{"a":null,"b":"x"}}}}`, ""},
		{"a connection of an older form has its secret in its value", "connections", `{"properties":{"authType":"PAT","value":"x"}}`, ""},
		{"a managed identity needs none", "connections", `{"properties":{"authType":"ManagedIdentity","credentials":null}}`, ""},
		{"whoever consented must do so again", "connections", `{"properties":{"authType":"OAuth2","credentials":null}}`, ""},
	} {
		kind, _ := aml.FindKind(c.path)
		if got := needed(kind, seal.Secret(c.listing)); got != c.missing {
			t.Errorf("%s: %q is missed, want %q", c.name, got, c.missing)
		}
	}
}

// TestARunThatBeginsAnewSealsAnew: keys may have been rotated since an earlier attempt sealed them.
func TestARunThatBeginsAnewSealsAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	endpoint := w.below("onlineEndpoints/contoso-fraud")
	task := w.task(plan.SaveSecrets, endpoint, nil)
	w.want(t, task)
	w.ask(t, http.MethodPost, endpoint+"/regenerateKeys", map[string]any{"keyType": "Primary", "keyValue": "canary-of-a-new-key"})
	w.journal.cursors = map[string]string{} // as a run that was taken back and begins anew
	w.want(t, task)
	if sealed, _ := w.Secrets.Get(endpoint); !strings.Contains(string(sealed), "canary-of-a-new-key") {
		t.Error("D2 what is sealed is the key of an earlier attempt")
	}
}
