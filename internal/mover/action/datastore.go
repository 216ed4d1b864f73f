package action

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// restoreDatastore gives a nondefault datastore the right subscription and group (S32, S45 to S47). Fields that are empty or name where its account was get the values of where the
// account is; fields that are right are left alone.
type restoreDatastore struct{ restoring }

// Fields of a datastore that say where its account is.
const (
	storeSubscription = "properties.subscriptionId"
	storeGroup        = "properties.resourceGroup"
)

// secretMembers name the member of credentials that is secret, by their type.
var secretMembers = map[string]string{"AccountKey": "key", "Sas": "sasToken", "ServicePrincipal": "clientSecret", "Certificate": "certificate"}

// wantedStore is what the datastore should say: as before, and where its account is now.
func wantedStore(ctx context.Context, t *Task) (arm.ID, arm.Document, error) {
	where, body, err := t.wanted(ctx)
	if err != nil {
		return nil, nil, err
	}
	account := body.Text("properties.accountName")
	if body.Text("properties.storeName") != "" {
		account = body.Text("properties.storeName")
	}
	from, to, moves := t.Where().Account(account)
	stale := strings.EqualFold(body.Text(storeSubscription), from.Subscription()) && strings.EqualFold(body.Text(storeGroup), from.Group())
	if moves && (stale || body.Text(storeSubscription) == "") {
		body.Set(storeSubscription, to.Subscription())
		body.Set(storeGroup, to.Group())
	}
	return where, body, nil
}

func (restoreDatastore) Done(ctx context.Context, t *Task) (bool, error) {
	where, body, err := wantedStore(ctx, t)
	if err != nil {
		return false, err
	}
	return t.stands(ctx, where, body)
}

// Do writes over the existing name. Only when that is refused is the datastore unregistered and created, with its secrets in hand: the service keeps them in the vault, where a
// name that was deleted may stay blocked (aml-contract 6).
func (restoreDatastore) Do(ctx context.Context, t *Task) error {
	where, body, err := wantedStore(ctx, t)
	if err != nil {
		return err
	}
	if err := fillSecrets(ctx, t, where, body); err != nil {
		return err
	}
	err = putStore(ctx, t, where, body)
	if err == nil || !errs.Is(err, errs.Conflict) && !errs.Is(err, errs.Invalid) {
		return err
	}
	refusal := err
	if err := t.Remove(ctx, where, ""); err != nil {
		return refusal
	}
	return t.Until(ctx, func() (bool, error) {
		err := putStore(ctx, t, where, body)
		if errs.Is(err, errs.Conflict) { // the vault still holds the name
			t.Say("the name is still blocked in the key vault")
			return false, nil
		}
		return err == nil, err
	})
}

// putStore writes a datastore. Nobody asks the account now: it may be reached from elsewhere only.
func putStore(ctx context.Context, t *Task, where arm.ID, body arm.Document) error {
	_, err := t.Send(ctx, http.MethodPut, where.String()+"?skipValidation=true", t.Version(ctx, where), body)
	return err
}

// fillSecrets puts the sealed secret into the credentials of a body.
func fillSecrets(ctx context.Context, t *Task, where arm.ID, body arm.Document) error {
	kind := body.Text("properties.credentials.credentialsType")
	name := secretMembers[kind]
	if name == "" {
		return nil
	}
	sealed, there := t.Secrets.Get(t.Step.Subject)
	if !there {
		return errs.New(errs.Conflict, "SecretNotSealed", "the credentials of the datastore %s are not sealed", where.Name()).At(where.String()).Advise("update its authentication by hand, or resume the run")
	}
	var secret map[string]any
	if err := json.Unmarshal(sealed, &secret); err != nil || secret[name] == nil {
		return errs.New(errs.Conflict, "SecretNotSealed", "what is sealed for the datastore %s holds no %s", where.Name(), name).At(where.String()).Advise("update its authentication by hand")
	}
	body.Set("properties.credentials.secrets", map[string]any{"secretsType": kind, name: secret[name]})
	if kind == "Sas" && expired(secret[name], t.Clock.Now()) {
		return t.Remark(ctx, ToDo, "the shared access signature of the datastore has expired: make a new one and update its authentication")
	}
	return nil
}

// expired reads the end of a shared access signature; what cannot be read has not expired.
func expired(sas any, now time.Time) bool {
	text, _ := sas.(string)
	values, err := url.ParseQuery(strings.TrimPrefix(text, "?"))
	if err != nil {
		return false
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04Z", "2006-01-02"} {
		if end, err := time.Parse(form, values.Get("se")); err == nil {
			return end.Before(now)
		}
	}
	return false
}

// restoreConnection writes a connection that names something that moved with the new ids and its sealed credentials.
type restoreConnection struct{ restoring }

func (restoreConnection) Done(ctx context.Context, t *Task) (bool, error) {
	where, body, err := t.wanted(ctx)
	if err != nil {
		return false, err
	}
	return t.stands(ctx, where, body)
}

func (restoreConnection) Do(ctx context.Context, t *Task) error {
	where, body, err := t.wanted(ctx)
	if err != nil {
		return err
	}
	if sealed, there := t.Secrets.Get(t.Step.Subject); there {
		full, err := arm.ParseDocument(sealed)
		if err != nil {
			return errs.New(errs.Conflict, "SecretNotSealed", "what is sealed for the connection %s cannot be read", where.Name()).At(where.String())
		}
		if credentials := full.Object("properties.credentials"); credentials != nil {
			body.Set("properties.credentials", map[string]any(credentials))
		}
	}
	_, err = t.Put(ctx, where, body)
	return err
}

// restoreOutboundRule writes a rule of the managed network that names something that moved with the new id. Only rules of users can be written.
type restoreOutboundRule struct{ restoring }

func (restoreOutboundRule) Done(ctx context.Context, t *Task) (bool, error) {
	where, body, err := t.wanted(ctx)
	if err != nil {
		return false, err
	}
	now, found, err := t.Read(ctx, where)
	if err != nil || !found {
		return false, err
	}
	return body.Text("properties.category") != "UserDefined" || len(lacks(now, body)) == 0, nil
}

func (restoreOutboundRule) Do(ctx context.Context, t *Task) error {
	where, body, err := t.wanted(ctx)
	if err != nil {
		return err
	}
	_, err = t.ensure(ctx, where, body)
	return err
}
