package action

import (
	"cmp"
	"context"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/seal"
)

// saveSecrets reads what the service tells about secrets and seals it under the subject's id (D10). Nothing outside the run is changed.
type saveSecrets struct{ restoring }

// listings are the actions by which each kind tells its secrets.
var listings = map[string]string{"datastores": "listSecrets", "onlineEndpoints": "listKeys", "connections": "listsecrets"}

func (saveSecrets) Done(ctx context.Context, t *Task) (bool, error) {
	if _, sealed := t.Secrets.Get(t.Step.Subject); sealed {
		return true, nil
	}
	return holdsNone(ctx, t)
}

// holdsNone reports whether a subject is a datastore whose credentials hold no secret: the service refuses to list them.
func holdsNone(ctx context.Context, t *Task) (bool, error) {
	id, err := t.Subject()
	if err != nil {
		return false, err
	}
	if kind, _ := aml.KindOf(id.Type()); kind.Path != "datastores" {
		return false, nil
	}
	original, err := t.Original(ctx, id)
	if err != nil {
		return false, err
	}
	return withoutSecret(original.Text("properties.credentials.credentialsType")), nil
}

func (saveSecrets) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	if none, err := holdsNone(ctx, t); none || err != nil {
		return err
	}
	kind, _ := aml.KindOf(id.Type())
	verb := listings[kind.Path]
	if verb == "" {
		return errs.New(errs.Unsupported, "NoSecrets", "secrets of %s cannot be read: its kind has no listing of them", id).At(id.String())
	}
	secret, err := t.Ask(ctx, id, verb)
	if errs.Is(err, errs.Denied) {
		return errs.Wrap(errs.Denied, "SecretsDenied", err, "the secrets of %s may not be read", id.Name()).At(id.String()).
			Advise("the permission %s/%s/action is needed at %s", id.Type(), verb, parentName(id))
	}
	if err != nil {
		return err
	}
	if member := needed(kind, secret); member != "" {
		return errs.New(errs.Conflict, "SecretsEmpty", "the service tells no %s of %s: without it, it could not be made or written again", member, id.Name()).At(id.String()).
			Advise("give it new credentials, or remove it, and resume")
	}
	return t.Secrets.Put(id.String(), secret)
}

// needed names the secret without which a subject cannot be made again and which a listing does not hold; empty when all is there. It is asked before anything is removed (D2).
func needed(kind aml.Kind, listing seal.Secret) string {
	doc, err := arm.ParseDocument(listing)
	if err != nil {
		return "secrets that can be read"
	}
	member := ""
	switch kind.Path {
	case "datastores":
		member = secretMembers[doc.Text("secretsType")]
	case "onlineEndpoints":
		member = "primaryKey"
	default: // a connection may be without
		return ""
	}
	if member == "" || doc.Text(member) == "" {
		return cmp.Or(member, "type of secret that is known")
	}
	return ""
}

func parentName(id arm.ID) string { return strings.TrimPrefix(id.Parent().String(), "/") }
