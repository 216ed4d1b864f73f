package action

import (
	"bytes"
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

// Done goes by the journal besides: what an earlier attempt sealed may be days old, and a run that begins anew forgets that it was asked for.
func (saveSecrets) Done(ctx context.Context, t *Task) (bool, error) {
	if _, sealed := t.Secrets.Get(t.Step.Subject); sealed {
		return resyncKeys{}.Done(ctx, t)
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
	if none, err := holdsNone(ctx, t); none || err != nil {
		return err
	}
	id, err := t.Subject()
	if err != nil {
		return err
	}
	if err := t.seal(ctx, id); err != nil {
		return err
	}
	return t.Journal.Advance(ctx, t.Step.ID, asked)
}

// seal asks for the secrets of the subject, where it is, and seals them.
func (t *Task) seal(ctx context.Context, where arm.ID) error {
	secret, err := t.told(ctx, where)
	if err != nil {
		return err
	}
	return t.Secrets.Put(t.Step.Subject, secret)
}

// secretsEmpty is the code of the error for a listing that lacks what it is for.
const secretsEmpty = "SecretsEmpty"

// told is what the service tells about the secrets of a resource. An error when it lacks one without which the resource could not be made again.
func (t *Task) told(ctx context.Context, where arm.ID) (seal.Secret, error) {
	kind, _ := aml.KindOf(where.Type())
	verb := listings[kind.Path]
	if verb == "" {
		return nil, errs.New(errs.Unsupported, "NoSecrets", "secrets of %s cannot be read: its kind has no listing of them", where).At(where.String())
	}
	secret, err := t.Ask(ctx, where, verb)
	if errs.Is(err, errs.Denied) {
		return nil, errs.Wrap(errs.Denied, "SecretsDenied", err, "the secrets of %s may not be read", where.Name()).At(where.String()).
			Advise("the permission %s/%s/action is needed at %s", where.Type(), verb, parentName(where))
	}
	if err != nil {
		return nil, err
	}
	if member := needed(kind, secret); member != "" {
		return nil, errs.New(errs.Conflict, secretsEmpty, "the service tells no %s of %s: without it, it could not be made or written again", member, where.Name()).At(where.String()).
			Advise("give it new credentials, or remove it, and resume")
	}
	return seal.Secret(secret), nil
}

// present is the secret of the subject as the service tells it now, where it is now: what was sealed before jobs were waited for may have been changed since. It is sealed as well, so that it
// is in hand whatever happens next; where the service tells none, the one that was sealed stands, and a person is told if that may be written over another one. False when none ever was.
func (t *Task) present(ctx context.Context, where arm.ID) (seal.Secret, bool, error) {
	sealed, there := t.Secrets.Get(t.Step.Subject)
	if !there {
		return nil, false, nil
	}
	secret, err := t.toldLater(ctx, where)
	switch {
	case err == nil && bytes.Equal(secret, sealed):
		return secret, true, nil
	case err == nil:
		return secret, true, t.replace(sealed, secret)
	case ctx.Err() != nil || errs.Is(err, errs.Throttled):
		return nil, false, err
	case errs.Is(err, errs.NotFound) || refusalOf(err) == secretsEmpty: // there is none that could be lost
		return sealed, true, nil
	}
	return sealed, true, t.Remark(ctx, ToDo, "the credentials that "+where.Name()+" had could not be read ("+refusalOf(err)+"): it was given those that were sealed before the move; if somebody has changed them since, give it the new ones")
}

// tellTries is how often a listing is asked for that is not available, over more than two minutes.
const tellTries = 4

// toldLater is what the service tells about the secrets of a resource, now or when passing trouble is over.
func (t *Task) toldLater(ctx context.Context, where arm.ID) (seal.Secret, error) {
	for tries, wait := 1, firstLookIn; ; tries, wait = tries+1, wait*2 {
		secret, err := t.told(ctx, where)
		if !errs.Is(err, errs.Unavailable) || ctx.Err() != nil || tries == tellTries {
			return secret, err
		}
		t.Say("the service cannot tell the credentials now")
		if err := t.Clock.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// beforehand is what the name of a sealed secret ends in that was replaced behind the move: should the service have told something else than what it had, the original is still in hand.
const beforehand = " (as first sealed)"

// replace seals a secret in the place of another one, and keeps the first.
func (t *Task) replace(sealed, secret seal.Secret) error {
	if _, kept := t.Secrets.Get(t.Step.Subject + beforehand); !kept {
		if err := t.Secrets.Put(t.Step.Subject+beforehand, sealed); err != nil {
			return err
		}
	}
	return t.Secrets.Put(t.Step.Subject, secret)
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
	default:
		const authType = "properties.authType"
		if doc.Text(authType) == "" {
			return authType
		}
		return lackingOf(doc.Text(authType), doc)
	}
	if member == "" || doc.Text(member) == "" {
		return cmp.Or(member, "type of secret that is known")
	}
	return ""
}

func parentName(id arm.ID) string { return strings.TrimPrefix(id.Parent().String(), "/") }
