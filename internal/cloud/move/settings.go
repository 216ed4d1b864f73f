// Package move carries out validateMoveResources and moveResources: the checks that ARM makes before it accepts, the checks of ARM, of policy and of the
// resource providers, the lock on both groups, and the move itself with the damage that Azure's page describes (S01-S48, D9).
//
// It stands on control, provider, operation, tree and aml. It knows nothing of the mover's rules: the two are written apart from the same
// sources and judged against each other by a test (D8).
package move

import (
	"context"
	"encoding/json"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// settingsKey is where the store keeps the settings.
const settingsKey = "move.settings"

// Settings are the choices where the sources disagree or are silent about Azure (arm-move 7). The default is the stricter reading.
type Settings struct {
	// Locks says which locks stop a move: "any" (every lock on the groups, the subscriptions, or the resources; the virtual machine FAQ says so) or
	// "readOnly" (only ReadOnly ones on the groups and subscriptions; the page on moving resources says so).
	Locks string `json:"locks"`
	// DatastoreFields says what a nondefault datastore shows afterwards: "stale" (what it showed before) or "empty" (S32, S45).
	DatastoreFields string `json:"datastoreFields"`
	// Hubs says whether workspaces of kind Hub and Project are refused ("refuse") or moved like others ("move"): no page speaks of them.
	Hubs string `json:"hubs"`
}

// Strictest is the default.
func Strictest() Settings { return Settings{Locks: "any", DatastoreFields: "stale", Hubs: "refuse"} }

// Check refuses values that mean nothing.
func (s Settings) Check() error {
	for _, c := range []struct {
		name, value string
		allowed     [2]string
	}{{"locks", s.Locks, [2]string{"any", "readOnly"}}, {"datastoreFields", s.DatastoreFields, [2]string{"stale", "empty"}}, {"hubs", s.Hubs, [2]string{"refuse", "move"}}} {
		if c.value != c.allowed[0] && c.value != c.allowed[1] {
			return errs.New(errs.Invalid, "InvalidSetting", "the setting %q is %q and must be %q or %q", c.name, c.value, c.allowed[0], c.allowed[1])
		}
	}
	return nil
}

// LoadSettings reads the settings of a cloud.
func LoadSettings(ctx context.Context, r store.Reader) (Settings, error) {
	settings := Strictest()
	data, err := r.Meta(ctx, settingsKey)
	if errs.Is(err, errs.NotFound) {
		return settings, nil
	}
	if err != nil {
		return settings, err
	}
	if err := json.Unmarshal(data, &settings); err != nil {
		return settings, errs.Wrap(errs.Internal, "SettingsDamaged", err, "read the settings of moves")
	}
	return settings, nil
}

// SaveSettings writes the settings of a cloud.
func SaveSettings(ctx context.Context, tx store.Tx, s Settings) error {
	if err := s.Check(); err != nil {
		return err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return tx.PutMeta(ctx, settingsKey, data)
}
