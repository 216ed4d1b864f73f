package action

import (
	"context"
	"slices"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

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
	if err := fillCredentials(t, where, body); err != nil {
		return err
	}
	if _, err := t.Put(ctx, where, body); err != nil {
		return err
	}
	return t.mentions(ctx, body)
}

// keyless are the ways to sign in that need no secret.
var keyless = []string{"", "None", "AAD", "ManagedIdentity"}

// fillCredentials puts the sealed credentials of a connection into a body: written without, it would lose those that it has.
func fillCredentials(t *Task, where arm.ID, body arm.Document) error {
	sealed, there := t.Secrets.Get(t.Step.Subject)
	if !there {
		if slices.Contains(keyless, body.Text("properties.authType")) {
			return nil
		}
		return errs.New(errs.Conflict, "SecretNotSealed", "the credentials of the connection %s are not sealed", where.Name()).At(where.String()).Advise("write its new ids and its credentials by hand")
	}
	full, err := arm.ParseDocument(sealed)
	if err != nil { // the cause is left out: it may show a part of the secret
		return errs.New(errs.Conflict, "SecretNotSealed", "what is sealed for the connection %s cannot be read", where.Name()).At(where.String()).Advise("write its new ids and its credentials by hand")
	}
	if credentials := full.Object("properties.credentials"); credentials != nil {
		body.Set("properties.credentials", map[string]any(credentials))
	}
	return nil
}
