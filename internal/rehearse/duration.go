package rehearse

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/admin"
	"github.com/amlmove/amlmove/internal/cloud/fault"
	"github.com/amlmove/amlmove/internal/cloud/move"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
)

// Model says how long things take: the typical and the worst of each, by the names of a cloud's clock (docs/cloud-api.md).
type Model map[string]Range

// Range is how long one thing takes.
type Range struct {
	Typical plan.Duration `json:"typical"`
	Worst   plan.Duration `json:"worst"`
}

// worst are durations that were met and are no failures (peers, sections 3 and 5): a move over the command line took three hours, a provider is given fifteen minutes, a new
// deployment on a scarce size an hour. Where nothing was published it is our estimate: four times the typical.
var worst = map[string]time.Duration{
	move.OpValidate: 15 * time.Minute, move.OpMove: 3 * time.Hour,
	"workspaces.put": 20 * time.Minute, "computes.put": 15 * time.Minute, "computes.delete": 12 * time.Minute,
	"onlineendpoints.put": 10 * time.Minute, "onlineendpoints.delete": 20 * time.Minute, "deployments.put": time.Hour, "deployments.delete": 20 * time.Minute,
	"provider.register": 15 * time.Minute,
}

// DefaultModel is made of what was published, and of estimates.
func DefaultModel() Model {
	m := Model{}
	for name, typical := range admin.Typical() {
		bad := worst[name]
		if bad == 0 {
			bad = 4 * typical
		}
		m[name] = Range{plan.Duration(typical), plan.Duration(bad)}
	}
	return m
}

// ReadModel reads durations from a file, {"computes.put": {"typical": "3m", "worst": "15m"}}; what it does not name is as in the default. Invalid, with what is wrong, when it cannot be used.
func ReadModel(file string) (Model, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, "DurationsFile", err, "the durations %s cannot be read", file).At(file)
	}
	var named Model
	if err := strictly(data, &named); err != nil {
		return nil, errs.Wrap(errs.Invalid, "DurationsFile", err, "the durations %s cannot be read", file).At(file).Advise(`write {"computes.put": {"typical": "3m", "worst": "15m"}}`)
	}
	m := DefaultModel()
	for name, r := range named {
		key := strings.ToLower(name)
		known, there := m[key]
		if !there {
			return nil, errs.New(errs.Invalid, "DurationsFile", "nothing takes a duration of the name %q", name).At(file).Advise("there are: %s", strings.Join(slices.Sorted(maps.Keys(m)), ", "))
		}
		if r.Typical == 0 {
			r.Typical = known.Typical
		}
		if r.Worst == 0 {
			r.Worst = known.Worst
		}
		r.Worst = max(r.Worst, r.Typical)
		if r.Typical < 0 || time.Duration(r.Worst) > longestEver {
			return nil, errs.New(errs.Invalid, "DurationsFile", "the duration of %q is %s to %s and must be from 0s to %s", name, r.Typical, r.Worst, longestEver).At(file)
		}
		m[key] = r
	}
	return m, nil
}

// strictly reads one value in which every member means something.
func strictly(data []byte, into any) error {
	reader := json.NewDecoder(bytes.NewReader(data))
	reader.DisallowUnknownFields()
	err := reader.Decode(into)
	if err == nil && reader.More() {
		err = errors.New("something follows the first value")
	}
	return err
}

// WriteModel writes durations into a file that ReadModel reads. Conflict when there is one already, which somebody may have written by hand, unless it may be replaced.
func WriteModel(file string, m Model, replace bool) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if replace {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(file, flags, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return errs.New(errs.Conflict, "DurationsFile", "the file %s is there already", file).At(file).Advise("name another file, or say --force to replace it")
	}
	if err == nil {
		_, err = f.Write(append(data, '\n'))
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return errs.Wrap(errs.Invalid, "DurationsFile", err, "write the durations %s", file).At(file)
	}
	return nil
}

// longestEver bounds what a user may say that something takes.
const longestEver = 30 * 24 * time.Hour

// Typical is how long things take as a rule.
func (m Model) Typical() map[string]time.Duration {
	return m.pick(func(r Range) plan.Duration { return r.Typical })
}

// Worst is how long they take on a bad day.
func (m Model) Worst() map[string]time.Duration {
	return m.pick(func(r Range) plan.Duration { return r.Worst })
}

// pick picks one of each; a move ends within ARM's four hours, whatever anybody says.
func (m Model) pick(of func(Range) plan.Duration) map[string]time.Duration {
	durations := make(map[string]time.Duration, len(m))
	for name, r := range m {
		durations[name] = time.Duration(of(r))
	}
	if rest := fault.MoveLimit - durations[move.OpValidate] - time.Minute; durations[move.OpMove] > rest {
		durations[move.OpMove] = max(rest, 0)
	}
	return durations
}
