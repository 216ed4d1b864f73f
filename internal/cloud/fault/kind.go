package fault

import (
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/move"
	"github.com/amlmove/amlmove/internal/errs"
)

// domain is where a fault strikes.
type domain int

const (
	requests domain = iota
	moves
	resources
)

// kind says what a kind of fault takes.
type kind struct {
	domain   domain
	takes    []string // members of match and parameters, besides skip, times and probability
	needs    []string // parameters without which it means nothing
	defaults func(*Fault)
}

// kinds is the table of what is built.
var kinds = map[Kind]kind{
	Latency:    {domain: requests, takes: []string{"delay"}, needs: []string{"delay"}},
	Status:     {domain: requests, takes: []string{"status", "retryAfter", "code", "message"}, needs: []string{"status"}},
	LostAnswer: {domain: requests},
	Drop:       {domain: requests},
	SlowBody: {domain: requests, takes: []string{"delay", "chunk"}, needs: []string{"delay"}, defaults: func(f *Fault) {
		if f.Chunk == 0 {
			f.Chunk = 64
		}
	}},

	MoveTimedOut:            {domain: moves, takes: []string{"happened", "n"}, defaults: onlyMove},
	ProviderTimedOut:        {domain: moves, takes: []string{"operation", "provider", "happened", "n"}},
	HalfMoved:               {domain: moves, takes: []string{"n"}, defaults: onlyMove},
	MovedButFailed:          {domain: moves, defaults: onlyMove},
	ValidatePassesMoveFails: {domain: moves, takes: []string{"provider", "code", "message"}, defaults: onlyMove},
	NotificationsPending:    {domain: moves, takes: []string{"for"}, needs: []string{"for"}, defaults: onlyMove},
	InternalError: {domain: moves, takes: []string{"operation", "message"}, defaults: func(f *Fault) {
		if f.Match.Times == 0 {
			f.Match.Times = 1 // it passes: the next attempt is fine
		}
	}},
	OperationNotAllowed: {domain: moves, takes: []string{"operation", "provider", "message"}},

	NameHeld: {domain: resources, takes: []string{"action", "for", "status", "code", "message"}, needs: []string{"for"}, defaults: func(f *Fault) {
		if f.Match.Action == "" {
			f.Match.Action = "Microsoft.MachineLearningServices/workspaces/*Endpoints/delete"
		}
		if f.Status == 0 {
			f.Status = 404
		}
	}},
	DeploymentFails: {domain: resources, takes: []string{"action", "code", "message"}, defaults: func(f *Fault) {
		if f.Match.Action == "" {
			f.Match.Action = "Microsoft.MachineLearningServices/workspaces/*Endpoints/deployments/write"
		}
	}},
	PrivateEndpointStaysPending: {domain: resources},
}

// notBuilt are things that somebody may ask for and that are no faults here, with the reason.
var notBuilt = map[string]string{
	"stucklock":    "groups always unlock when their move ends",
	"serverkilled": "kill the process of the cloud and start it again: nothing acknowledged is lost",
}

// onlyMove marks a kind that strikes moves and no validations.
func onlyMove(f *Fault) { f.Match.Operation = move.OpMove }

// names lists the kinds that are built, sorted.
func names() []string {
	var list []string
	for name := range kinds {
		list = append(list, string(name))
	}
	sort.Strings(list)
	return list
}

// complete checks a fault and fills in what its kind takes for granted.
func (f *Fault) complete() error {
	k, built := kinds[f.Kind]
	if !built {
		reason := notBuilt[strings.ToLower(string(f.Kind))]
		if reason != "" {
			reason = ": " + reason
		}
		return errs.New(errs.Unsupported, "NotImplemented", "Faults of kind '%s' are not built in this cloud%s. It has: %s.", f.Kind, reason, strings.Join(names(), ", "))
	}
	takes := append([]string{"path", "principal"}, k.takes...)
	if k.domain == requests {
		takes = append(takes, "method", "action")
	}
	if k.domain == moves && f.Match.Operation == move.OpMove {
		takes = append(takes, "operation") // saying what is true anyway
	}
	for _, name := range f.given() {
		if !slices.Contains(takes, name) {
			return invalid(*f, "it does not take %q", name)
		}
	}
	for _, name := range k.needs {
		if !slices.Contains(f.given(), name) {
			return invalid(*f, "it needs %q", name)
		}
	}
	if k.defaults != nil {
		k.defaults(f)
	}
	return f.check()
}

// given lists the members that a fault carries.
func (f Fault) given() []string {
	var list []string
	for _, member := range []struct {
		name  string
		given bool
	}{{"method", f.Match.Method != ""}, {"path", f.Match.Path != ""}, {"action", f.Match.Action != ""}, {"operation", f.Match.Operation != ""},
		{"principal", f.Match.Principal != ""}, {"delay", f.Delay != 0}, {"chunk", f.Chunk != 0}, {"status", f.Status != 0},
		{"retryAfter", f.RetryAfter != 0}, {"code", f.Code != ""}, {"message", f.Message != ""}, {"happened", f.Happened != ""}, {"n", f.N != nil},
		{"provider", f.Provider != ""}, {"for", f.For != 0}} {
		if member.given {
			list = append(list, member.name)
		}
	}
	return list
}

// longest bounds what a fault may make somebody wait for.
const longest = 30 * 24 * time.Hour

// check refuses values that mean nothing.
func (f Fault) check() error {
	p := f.Match.Probability
	switch {
	case len(f.ID) > 100 || strings.ContainsAny(f.ID, "/?#%"):
		return invalid(f, "its id is longer than 100 characters or has one of / ? # %%")
	case f.Match.Skip < 0 || f.Match.Times < 0:
		return invalid(f, `"skip" and "times" must not be negative`)
	case p != nil && (*p < 0 || *p > 1):
		return invalid(f, `"probability" is %g and must be from 0 to 1`, *p)
	case f.Delay < 0 || time.Duration(f.Delay) > time.Hour:
		return invalid(f, `"delay" is %s and must be from 0 to 1h`, time.Duration(f.Delay))
	case f.For < 0 || time.Duration(f.For) > longest:
		return invalid(f, `"for" is %s and must be from 0 to %s`, time.Duration(f.For), longest)
	case f.RetryAfter < 0 || f.Chunk < 0 || f.N != nil && *f.N < 0:
		return invalid(f, `"retryAfter", "chunk" and "n" must not be negative`)
	case f.Kind == Status && (f.Status < 400 || f.Status > 599):
		return invalid(f, `"status" is %d and must be from 400 to 599`, f.Status)
	case f.Kind == NameHeld && f.Status != 404 && f.Status != 409:
		return invalid(f, `"status" is %d and must be 404 or 409`, f.Status)
	case f.Match.Operation != "" && f.Match.Operation != move.OpMove && f.Match.Operation != move.OpValidate:
		return invalid(f, `"operation" is %q and must be %q or %q`, f.Match.Operation, move.OpValidate, move.OpMove)
	case f.N != nil && f.Kind != HalfMoved && f.Happened != "partial", f.N == nil && f.Happened == "partial":
		return invalid(f, `"n" goes with "happened": "partial"`)
	}
	return nil
}
