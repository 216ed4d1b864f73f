package action

import (
	"context"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// saveSecrets reads what the service tells about secrets and seals it under the subject's id (D10). Nothing outside the run is changed.
type saveSecrets struct{ restoring }

// listings are the actions by which each kind tells its secrets.
var listings = map[string]string{"datastores": "listSecrets", "onlineEndpoints": "listKeys", "connections": "listsecrets"}

func (saveSecrets) Done(_ context.Context, t *Task) (bool, error) {
	_, sealed := t.Secrets.Get(t.Step.Subject)
	return sealed, nil
}

func (saveSecrets) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
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
	return t.Secrets.Put(id.String(), secret)
}

func parentName(id arm.ID) string { return strings.TrimPrefix(id.Parent().String(), "/") }
