package action

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// secretMembers name the member of a datastore's credentials that is secret, by their type.
var secretMembers = map[string]string{"AccountKey": "key", "Sas": "sasToken", "ServicePrincipal": "clientSecret", "Certificate": "certificate"}

// withoutSecret reports whether credentials of a type hold no secret: the datastore is read with an identity.
func withoutSecret(credentialsType string) bool {
	return credentialsType == "" || credentialsType == "None"
}

// fillSecrets puts the secret into the credentials of a datastore's body.
func fillSecrets(ctx context.Context, t *Task, where arm.ID, body arm.Document) error {
	kind := body.Text("properties.credentials.credentialsType")
	if withoutSecret(kind) {
		return nil
	}
	name := secretMembers[kind]
	if name == "" {
		return errs.New(errs.Unsupported, "UnknownCredentials", "the datastore %s has credentials of the type %q, which this version of amlmove does not know", where.Name(), kind).At(where.String()).
			Advise("update its authentication by hand")
	}
	sealed, there, err := t.present(ctx, where)
	if err != nil {
		return err
	}
	if !there {
		return errs.New(errs.Conflict, "SecretNotSealed", "the credentials of the datastore %s are not sealed", where.Name()).At(where.String()).Advise("update its authentication by hand")
	}
	var secret map[string]any
	if err := json.Unmarshal(sealed, &secret); err != nil || text(secret[name]) == "" { // the cause is left out: it may show a part of the secret
		return errs.New(errs.Conflict, "SecretNotSealed", "what is sealed for the datastore %s holds no %s", where.Name(), name).At(where.String()).Advise("update its authentication by hand")
	}
	value := text(secret[name])
	switch kind {
	case "AccountKey":
		present, err := presentKey(ctx, t, body, value)
		if err != nil {
			return err
		}
		value = present
	case "Sas":
		if expired(value, t.Clock.Now()) {
			if err := t.Remark(ctx, ToDo, "the shared access signature of the datastore has expired: make a new one and update its authentication"); err != nil {
				return err
			}
		}
	}
	body.Set("properties.credentials.secrets", map[string]any{"secretsType": kind, name: value})
	return nil
}

func text(value any) string {
	text, _ := value.(string)
	return text
}

// presentKey is the sealed key of a storage account while the account knows it, else the key that it has now: one that was rotated since is of no use any more (aml-contract 6).
// The new key is sealed as well, so that it is in hand whatever happens next. Where the keys cannot be read, the sealed one stands.
func presentKey(ctx context.Context, t *Task, body arm.Document, sealed string) (string, error) {
	account, said := accountOf(body)
	if !said {
		return sealed, nil
	}
	keys, err := accountKeys(ctx, t, account)
	if err != nil || len(keys) == 0 || slices.Contains(keys, sealed) {
		return sealed, err
	}
	secret, err := json.Marshal(map[string]string{"secretsType": "AccountKey", "key": keys[0]})
	if err != nil {
		return "", err
	}
	if err := t.Secrets.Put(t.Step.Subject, secret); err != nil {
		return "", err
	}
	return keys[0], t.Remark(ctx, Differs, "the key of the storage account "+account.Name()+" was rotated since it was sealed: the datastore was given the present one")
}

// accountOf is the storage account to which a datastore's body leads; false when it does not say where that is.
func accountOf(body arm.Document) (arm.ID, bool) {
	subscription, group, name := body.Text(storeSubscription), body.Text(storeGroup), body.Text("properties.accountName")
	if subscription == "" || group == "" || name == "" {
		return nil, false
	}
	id, err := arm.Parse("/subscriptions/" + subscription + "/resourceGroups/" + group + "/providers/Microsoft.Storage/storageAccounts/" + name)
	return id, err == nil
}

// accountKeys are the keys of a storage account; none when they may not be read, or the account is not there or has none.
func accountKeys(ctx context.Context, t *Task, account arm.ID) ([]string, error) {
	answer, err := t.Ask(ctx, account, "listKeys")
	if err != nil {
		if errs.Retryable(err) || ctx.Err() != nil {
			return nil, err
		}
		return nil, nil
	}
	doc, err := arm.ParseDocument(answer)
	if err != nil { // the cause is left out: it may show a part of a key
		return nil, nil
	}
	var keys []string
	for _, key := range doc.Objects("keys") {
		if value := key.Text("value"); value != "" {
			keys = append(keys, value)
		}
	}
	return keys, nil
}

// expired reads the end of a shared access signature; what cannot be read has not expired.
func expired(sas string, now time.Time) bool {
	values, err := url.ParseQuery(strings.TrimPrefix(sas, "?"))
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
