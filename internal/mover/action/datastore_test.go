package action

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
)

// storage is the id of the workspace's storage account before the move.
func (w *world) storage() string {
	return strings.SplitN(w.Plan.Workspace, "/providers/", 2)[0] + "/providers/Microsoft.Storage/storageAccounts/contosomldevst"
}

// stores are the nondefault datastores of contoso, and how their secrets are asked for.
var stores = []struct {
	name   string
	secret bool
}{{"raw_images", true}, {"landing_zone", true}, {"feature_lake", true}, {"telemetry_events", false}}

func TestDatastoresSayWhereTheirAccountIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, fields string
		include      []string
		moves        string // whose account moves along
		writes       int
	}{
		{"S45 fields stay as they were and no account moved: nothing is written", "stale", nil, "", 0},
		{"S47 fields name the old place of an account that moved", "stale", []string{"storage"}, "raw_images", 1},
		{"S46 fields are empty and no account moved: the old values", "empty", nil, "", 4},
		{"S46 fields are empty and an account moved", "empty", []string{"storage"}, "raw_images", 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "contoso-quiet", c.include...)
			w.ask(t, http.MethodPatch, "/_cloud/settings", `{"datastoreFields":"`+c.fields+`"}`)
			secrets := map[string]string{}
			for _, s := range stores {
				if s.secret {
					w.seal(t, "datastores/"+s.name)
					secrets[s.name] = w.secrets(t, w.below("datastores/"+s.name), "listSecrets")
				}
			}
			w.move(t)
			for _, s := range stores {
				id := w.below("datastores/" + s.name)
				task := w.task(plan.RestoreDatastore, id, nil)
				if c.fields == "stale" && s.name != c.moves {
					w.done(t, task, true)
				} else {
					w.want(t, task)
				}
				original, err := task.Original(t.Context(), must(t, id))
				if err != nil {
					t.Fatal(err)
				}
				now := w.get(t, w.landed(t, id))
				want := [2]string{original.Text(storeSubscription), original.Text(storeGroup)}
				if s.name == c.moves {
					want = [2]string{w.cloud.Subscriptions[1], "ml-prod-rg"}
				}
				if got := [2]string{now.Text(storeSubscription), now.Text(storeGroup)}; got != want {
					t.Errorf("S45 %s says that its account is in %v, and it is in %v", s.name, got, want)
				}
				same(t, s.name, original, now, "systemData", "etag", "id", storeSubscription, storeGroup)
				if s.secret && w.secrets(t, w.landed(t, id), "listSecrets") != secrets[s.name] {
					t.Errorf("S46 %s has other credentials than before", s.name)
				}
			}
			if got := w.journal.writes(); got != c.writes {
				t.Errorf("%d requests changed something, want %d", got, c.writes)
			}
		})
	}
}

func must(t *testing.T, text string) arm.ID {
	t.Helper()
	id, err := arm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestSystemDatastoresAreNeverTouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet", "all")
	w.move(t)
	for _, name := range []string{"workspaceblobstore", "workspacefilestore", "workspaceworkingdirectory", "workspaceartifactstore"} {
		task := w.task(plan.RestoreDatastore, w.below("datastores/"+name), nil)
		w.done(t, task, true)
		if err := w.find(t, task).Do(t.Context(), task); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.journal.writes() != 0 {
		t.Error("S32 a system datastore was written")
	}
}

// movedStore is a world after a move with the storage account, with one datastore to be repaired and its secrets as they were.
func movedStore(t *testing.T) (w *world, task *Task, secrets string) {
	t.Helper()
	w = newWorld(t, "contoso-quiet", "storage")
	id := w.below("datastores/raw_images")
	w.seal(t, "datastores/raw_images")
	secrets = w.secrets(t, id, "listSecrets")
	w.move(t)
	return w, w.task(plan.RestoreDatastore, id, nil), secrets
}

func TestADatastoreThatRefusesIsUnregisteredAndCreated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, fault   string
		puts, deletes int
	}{
		{"S47 it cannot be changed", `{"kind":"status","status":400,"code":"UserError","message":"no","match":{"method":"PUT","path":"**/raw_images","times":1}}`, 2, 1},
		{"S47 the key vault still holds its name", `{"kind":"status","status":409,"code":"Conflict","message":"deleted but recoverable","match":{"method":"PUT","path":"**/raw_images","times":4}}`, 5, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, task, secrets := movedStore(t)
			w.fault(t, c.fault)
			if err := w.find(t, task).Do(t.Context(), task); err != nil {
				t.Fatal(err)
			}
			w.done(t, task, true)
			if puts, deletes := w.journal.sent(http.MethodPut, "/raw_images"), w.journal.sent(http.MethodDelete, "/raw_images"); puts != c.puts || deletes != c.deletes {
				t.Errorf("%d PUT and %d DELETE, want %d and %d", puts, deletes, c.puts, c.deletes)
			}
			if w.secrets(t, w.landed(t, task.Step.Subject), "listSecrets") != secrets {
				t.Error("S46 it has other credentials than before")
			}
		})
	}
}

func TestADatastoreWhoseNewFormIsRefusedIsPutBack(t *testing.T) {
	t.Parallel()
	w, task, secrets := movedStore(t)
	landing := w.landed(t, task.Step.Subject)
	before := w.get(t, landing)
	w.fault(t, `{"kind":"status","status":400,"code":"UserError","message":"that account is not yours","match":{"method":"PUT","path":"**/raw_images","times":2}}`)
	err := w.find(t, task).Do(t.Context(), task)
	if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "not yours") {
		t.Fatalf("S47 got %v", err)
	}
	same(t, "the datastore", before, w.get(t, landing), "systemData", "etag")
	if w.secrets(t, landing, "listSecrets") != secrets {
		t.Error("it was put back without its credentials")
	}
	w.want(t, task) // the fault is over
}

func TestADatastoreIsNotUnregisteredWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet", "storage")
	w.move(t)
	task := w.task(plan.RestoreDatastore, w.below("datastores/raw_images"), nil)
	if err := w.find(t, task).Do(t.Context(), task); errs.As(err) == nil || errs.As(err).Code != "SecretNotSealed" || !strings.Contains(err.Error(), "raw_images") {
		t.Fatalf("D2 got %v", err)
	}
	if w.journal.writes() != 0 {
		t.Error("D2 something was sent all the same")
	}
}

func TestAKeyThatWasRotatedSinceIsReadAgain(t *testing.T) {
	t.Parallel()
	w, task, secrets := movedStore(t)
	for _, key := range []string{"key1", "key2"} {
		w.ask(t, http.MethodPost, w.landed(t, w.storage())+"/regenerateKey?api-version=2023-01-01", map[string]any{"keyName": key})
	}
	keys, _ := w.ask(t, http.MethodPost, w.landed(t, w.storage())+"/listKeys?api-version=2023-01-01", nil)["keys"].([]any)
	first, _ := keys[0].(map[string]any)["value"].(string)
	w.want(t, task)
	now := w.secrets(t, w.landed(t, task.Step.Subject), "listSecrets")
	if now == secrets || !strings.Contains(now, first) {
		t.Error("S46 the datastore was given a key that the account does not know any more")
	}
	if sealed, _ := w.Secrets.Get(task.Step.Subject); !strings.Contains(string(sealed), first) {
		t.Error("D2 the present key is not in hand")
	}
	if !w.journal.remarked(Differs, "was rotated") || strings.Contains(strings.Join(w.journal.remarks, " "), first) {
		t.Errorf("the remarks are %d: the rotation is not told, or the key is", len(w.journal.remarks))
	}
}

// TestASecretThatWasChangedSinceItWasSealedIsKept: of a datastore whose secret nobody else can be asked for.
func TestASecretThatWasChangedSinceItWasSealedIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet")
	w.ask(t, http.MethodPatch, "/_cloud/settings", `{"datastoreFields":"empty"}`)
	id := w.below("datastores/feature_lake")
	w.seal(t, "datastores/feature_lake")
	kind := w.get(t, id).Text("properties.credentials.credentialsType")
	w.written(t, id, func(d arm.Document) {
		d.Set("properties.credentials.secrets", map[string]any{"secretsType": kind, secretMembers[kind]: "a-newer-secret"})
	})
	w.move(t)
	w.want(t, w.task(plan.RestoreDatastore, id, nil))
	if !strings.Contains(w.secrets(t, w.landed(t, id), "listSecrets"), "a-newer-secret") {
		t.Errorf("S46 a %s that somebody took out of use is back", secretMembers[kind])
	}
	if first, kept := w.Secrets.Get(id + beforehand); !kept || strings.Contains(string(first), "a-newer-secret") {
		t.Error("what was sealed before the move is not in hand any more")
	}
}

func TestWhoMayNotReadTheAccountsKeysUsesTheSealedOne(t *testing.T) {
	t.Parallel()
	w, task, secrets := movedStore(t)
	w.fault(t, `{"kind":"status","status":403,"code":"AuthorizationFailed","message":"no","match":{"path":"**/contosomldevst/listKeys"}}`)
	w.want(t, task)
	if w.secrets(t, w.landed(t, task.Step.Subject), "listSecrets") != secrets {
		t.Error("S46 it has another key than before")
	}
}

func TestADatastoreIsRestoredHoweverOftenItIsInterrupted(t *testing.T) {
	t.Parallel()
	w, task, secrets := movedStore(t)
	w.fault(t, `{"kind":"status","status":409,"code":"Conflict","message":"held","match":{"method":"PUT","path":"**/raw_images","times":3}}`)
	var err error
	for k := int64(1); k < 40; k++ {
		if err = w.doCut(t, task, k); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatalf("it never came to an end: %v", err)
	}
	w.done(t, task, true)
	if w.secrets(t, w.landed(t, task.Step.Subject), "listSecrets") != secrets {
		t.Error("S46 it has other credentials than before")
	}
}

func TestASharedAccessSignatureThatHasExpiredIsSeen(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, sas string
		expired   bool
	}{
		{"it ended yesterday", "sv=2024-11-04&se=2026-07-31T12:00:00Z&sig=x", true},
		{"it ends tomorrow", "?sv=2024-11-04&se=2026-08-02T12:00:00Z&sig=x", false},
		{"its colons are escaped", "se=2026-07-31T12%3A00%3A00Z&sig=x", true},
		{"it says no seconds", "se=2026-08-01T11:59Z", true},
		{"it says a day", "se=2026-08-01", true},
		{"it says no end: a policy of the account does", "si=policy&sig=x", false},
		{"its end cannot be read", "se=soon", false},
		{"it is no query", "%zz", false},
	} {
		if got := expired(c.sas, now); got != c.expired {
			t.Errorf("%s: expired is %v", c.name, got)
		}
	}
}
