package action

import (
	"context"
	"maps"
	"slices"

	"github.com/amlmove/amlmove/internal/aml"
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
	if err := fillCredentials(ctx, t, where, body); err != nil {
		return err
	}
	if _, err := t.Put(ctx, where, body); err != nil {
		return err
	}
	return t.mentions(ctx, body)
}

// connectionMembers name the members of a connection's credentials without which nobody can sign in, by its authType. An identity of the workspace needs none, and a consent cannot be
// written by anybody but who gave it.
var connectionMembers = map[string][]string{"ManagedIdentity": nil, "OAuth2": nil, "PAT": {"pat"}, "UsernamePassword": {"password"}, "SAS": {"sas"}, "AccountKey": {"key"}, "ApiKey": {"key"},
	"ServicePrincipal": {"clientSecret"}, "AccessKey": {"accessKeyId", "secretAccessKey"}, "CustomKeys": {"keys"}}

// lackingOf names the member without which a connection of an authType could not be written again and which it does not hold; empty when all is there.
func lackingOf(authType string, connection arm.Document) string {
	if aml.Credentialless(authType) || connection.Text("properties.value") != "" { // in which api-versions of before kept the secret
		return ""
	}
	credentials := connection.Object("properties.credentials")
	members, known := connectionMembers[authType]
	if !known && len(credentials) == 0 {
		return "credentials"
	}
	for _, name := range members {
		if !says(credentials[name]) {
			return name
		}
	}
	return ""
}

// says reports whether a value is a text that is not empty, or holds one.
func says(value any) bool {
	switch v := value.(type) {
	case string:
		return v != ""
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), says)
	}
	return false
}

// fillCredentials puts the credentials of a connection into a body: written without, it would lose those that it has.
func fillCredentials(ctx context.Context, t *Task, where arm.ID, body arm.Document) error {
	authType := body.Text("properties.authType")
	secret, there, err := t.present(ctx, where)
	if err != nil {
		return err
	}
	full := arm.Document{}
	if there {
		if full, err = arm.ParseDocument(secret); err != nil { // the cause is left out: it may show a part of the secret
			return unsealed(where, "what is sealed for the connection "+where.Name()+" cannot be read")
		}
	}
	if member := lackingOf(authType, full); member != "" {
		return unsealed(where, "for the connection "+where.Name()+" no "+member+" is sealed")
	}
	if credentials := full.Object("properties.credentials"); credentials != nil {
		body.Set("properties.credentials", map[string]any(credentials))
	}
	if value := full.Text("properties.value"); value != "" {
		body.Set("properties.value", value)
	}
	if authType == "OAuth2" {
		return t.Remark(ctx, ToDo, "the consent behind the connection "+where.Name()+" cannot be written again: sign in again for it")
	}
	return nil
}

// unsealed is the error of a connection that would be written without what it needs.
func unsealed(where arm.ID, what string) error {
	return errs.New(errs.Conflict, "SecretNotSealed", "%s", what).At(where.String()).Advise("write its new ids and its credentials by hand")
}
