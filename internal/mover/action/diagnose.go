package action

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
)

// diagnose asks the workspace how it is. What it finds is told and fails nothing: a person judges.
type diagnose struct{ restoring }

// Done goes by the journal: a diagnosis leaves nothing behind. The run forgets it at each attempt, so that a later one asks again.
func (diagnose) Done(ctx context.Context, t *Task) (bool, error) {
	return resyncKeys{}.Done(ctx, t)
}

func (diagnose) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	where := t.Where().ID(id)
	everything := map[string]any{}
	for _, part := range []string{"applicationInsights", "containerRegistry", "dnsResolution", "keyVault", "nsg", "others", "resourceLock", "storageAccount", "udr"} {
		everything[part] = map[string]any{}
	}
	answer, err := t.Send(ctx, http.MethodPost, where.String()+"/diagnose", t.Version(ctx, where), map[string]any{"value": everything})
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		if err := t.Remark(ctx, Differs, fmt.Sprintf("the workspace could not be asked to diagnose itself: %v", err)); err != nil {
			return err
		}
		return t.Journal.Advance(ctx, t.Step.ID, asked)
	}
	if err := t.tell(ctx, answer.Body); err != nil {
		return err
	}
	return t.Journal.Advance(ctx, t.Step.ID, asked)
}

// tell remarks what the diagnosis found.
func (t *Task) tell(ctx context.Context, body json.RawMessage) error {
	doc, err := arm.ParseDocument(body)
	if err != nil {
		return t.Remark(ctx, Differs, "the diagnosis of the workspace cannot be read")
	}
	value := doc.Object("value")
	if value == nil {
		value = doc.Object("properties.value")
	}
	var names []string
	for name := range value {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, result := range value.Objects(name) {
			if level := result.Text("level"); strings.EqualFold(level, "Information") || level == "" {
				continue
			}
			text := fmt.Sprintf("diagnosis, %s: %s %s: %s", strings.TrimSuffix(name, "Results"), result.Text("level"), result.Text("code"), result.Text("message"))
			if err := t.Remark(ctx, Differs, text); err != nil {
				return err
			}
		}
	}
	return nil
}
