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

// resyncKeys lets the workspace read the keys of its associated resources again. The service would do so by itself within an hour.
type resyncKeys struct{ restoring }

// asked is the cursor of a step that has no effect to look for and was done in this run.
const asked = "asked"

// Done goes by the journal: what the workspace knows of keys is not to be seen, and asking twice is harmless.
func (resyncKeys) Done(ctx context.Context, t *Task) (bool, error) {
	cursor, err := t.Journal.Cursor(ctx, t.Step.ID)
	return cursor == asked, err
}

func (resyncKeys) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	where := t.Where().ID(id)
	if _, err := t.Send(ctx, http.MethodPost, where.String()+"/resyncKeys", t.Version(ctx, where), map[string]any{}); err != nil {
		return err
	}
	return t.Journal.Advance(ctx, t.Step.ID, asked)
}

// diagnose asks the workspace how it is. What it finds is told and fails nothing: a person judges.
type diagnose struct{ restoring }

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
