package action

import (
	"context"
	"net/http"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// keepKeys gives an endpoint that is there the keys that its callers have. A PUT takes keys only of what is new, so one that somebody else made, or wrote over, has others (aml-contract 3). One
// that was made with them is only looked at.
func (t *Task) keepKeys(ctx context.Context, where arm.ID, keys map[string]any) error {
	for _, keyType := range []string{"Primary", "Secondary"} {
		same, err := t.hasKey(ctx, where, keyType, keys)
		if errs.Is(err, errs.Denied) {
			return t.Remark(ctx, ToDo, "the keys of the endpoint "+where.Name()+" may not be read: look whether they are those that its callers have")
		}
		if err != nil {
			return err
		}
		if same {
			continue
		}
		_, err = t.Send(ctx, http.MethodPost, where.String()+"/regenerateKeys", t.Version(ctx, where), map[string]any{"keyType": keyType, "keyValue": keys[keyName(keyType)]})
		if ctx.Err() != nil || errs.Retryable(err) {
			return err
		}
		if same, looking := t.hasKey(ctx, where, keyType, keys); looking != nil {
			return looking
		} else if !same { // the cause is left out: it may show the key
			return errs.New(errs.Conflict, "KeysDiffer", "the %s key of the endpoint %s is not the one that its callers have, and the service does not take that one (%s)", strings.ToLower(keyType), where.Name(), refusalOf(err)).
				At(where.String()).Advise("delete the endpoint: amlmove resume makes it again with the keys that its callers have")
		}
	}
	return nil
}

// hasKey reports whether an endpoint has the wanted key of a type; none may be wanted.
func (t *Task) hasKey(ctx context.Context, where arm.ID, keyType string, keys map[string]any) (bool, error) {
	want := text(keys[keyName(keyType)])
	if want == "" {
		return true, nil
	}
	answer, err := t.Ask(ctx, where, "listKeys")
	if err != nil {
		return false, err
	}
	now, err := arm.ParseDocument(answer)
	return err == nil && now.Text(keyName(keyType)) == want, nil // the cause is left out: it may show a part of a key
}

func keyName(keyType string) string { return strings.ToLower(keyType) + "Key" }

// refusalOf is the code of a refusal, or that there was none.
func refusalOf(err error) string {
	if e := errs.As(err); e != nil {
		return e.Code
	}
	return "it was accepted, and nothing came of it"
}
