package action

import (
	"context"

	"github.com/amlmove/amlmove/internal/arm"
)

// restoreOutboundRule writes a rule of the managed network that names something that moved with the new id. Only rules of users can be written: the service makes its own (aml-contract 3).
type restoreOutboundRule struct{ restoring }

func ofUser(rule arm.Document) bool { return rule.Text("properties.category") == "UserDefined" }

func (restoreOutboundRule) Done(ctx context.Context, t *Task) (bool, error) {
	where, body, err := t.wanted(ctx)
	if err != nil || !ofUser(body) {
		return err == nil, err
	}
	now, found, err := t.Read(ctx, where)
	return err == nil && found && len(lacks(now, body)) == 0, err
}

func (restoreOutboundRule) Do(ctx context.Context, t *Task) error {
	where, body, err := t.wanted(ctx)
	if err != nil || !ofUser(body) {
		return err
	}
	_, err = t.ensure(ctx, where, body)
	return err
}
