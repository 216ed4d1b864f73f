package capture

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
)

// Find returns the id of a workspace that is named by its id, or by its name alone, which must then be the only one in the subscriptions in reach.
func Find(ctx context.Context, c *azure.Client, text string) (arm.ID, error) {
	if strings.HasPrefix(text, "/") {
		id, err := arm.Parse(text)
		if err == nil && !id.Type().Is(aml.Workspaces) {
			err = errs.New(errs.Invalid, "NoWorkspace", "%s is the id of a %s, not of a workspace", text, id.Type())
		}
		return id, err
	}
	if !aml.WorkspaceName.MatchString(text) {
		return nil, errs.New(errs.Invalid, "InvalidWorkspaceName", "%q is neither the id nor the name of a workspace", text)
	}
	found, looked, err := search(ctx, c, text)
	if err != nil {
		return nil, err
	}
	slices.Sort(found)
	switch len(found) {
	case 1:
		return arm.Parse(found[0])
	case 0:
		return nil, errs.New(errs.NotFound, "WorkspaceNotFound", "no workspace of the subscriptions in reach, %d of them, is called %s", looked, text).
			Advise("say its full id; or check who is signed in")
	}
	return nil, errs.New(errs.Conflict, "WorkspaceNameAmbiguous", "%d workspaces are called %s: %s", len(found), text, strings.Join(found, ", ")).Advise("say the full id")
}

// search looks for a name in all subscriptions. One that may not be read is passed over.
func search(ctx context.Context, c *azure.Client, name string) (found []string, looked int, err error) {
	err = c.List(ctx, "/subscriptions", first(azure.Known(aml.Subscriptions)), func(raw json.RawMessage) error {
		var subscription struct{ SubscriptionID string }
		if err := json.Unmarshal(raw, &subscription); err != nil {
			return err
		}
		looked++
		path := "/subscriptions/" + subscription.SubscriptionID + "/providers/" + string(aml.Workspaces)
		version := c.Version(ctx, subscription.SubscriptionID, aml.Workspaces)
		err := c.List(ctx, path, version, func(raw json.RawMessage) error {
			var doc struct{ ID, Name string }
			err := json.Unmarshal(raw, &doc)
			if err == nil && strings.EqualFold(doc.Name, name) {
				found = append(found, doc.ID)
			}
			return err
		})
		if errs.Is(err, errs.Denied) || errs.Is(err, errs.NotFound) {
			return nil
		}
		return err
	})
	return found, looked, err
}

func first(versions []string) string { return versions[0] }
