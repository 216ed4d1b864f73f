package plan

import (
	"encoding/json"
	"time"

	"github.com/amlmove/amlmove/internal/errs"
)

// Duration is written as people write it: 12m0s.
type Duration time.Duration

// String writes the duration.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalJSON writes the duration as a text.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads it.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return errs.Wrap(errs.Invalid, "InvalidDuration", err, "%s is no duration: write it as \"90s\" or \"2h30m\"", data)
	}
	read, err := time.ParseDuration(text)
	if err != nil {
		return errs.Wrap(errs.Invalid, "InvalidDuration", err, "%q is no duration: write it as 90s or 2h30m", text)
	}
	*d = Duration(read)
	return nil
}
