package fault

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/move"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// The limits of Azure Resource Manager on a move and on the part of one provider (arm-move 2, peers 3.1).
const (
	MoveLimit     = 4 * time.Hour
	ProviderLimit = 15 * time.Minute
)

// Outcome says how a validation or a move goes; it makes the Set a move.Faults.
func (s *Set) Outcome(ctx context.Context, tx store.Tx, a move.Attempt) (*move.Outcome, error) {
	f, err := s.strike(ctx, tx, moves, func(f armed) bool { return f.aboutMove(a) }, nil)
	if err != nil || f == nil {
		return nil, err
	}
	return f.outcome(a)
}

// aboutMove reports whether a fault matches an operation.
func (f armed) aboutMove(a move.Attempt) bool {
	if f.Match.Operation != "" && f.Match.Operation != a.Kind || !f.Match.covers(a.Principal, a.ClientID) {
		return false
	}
	named := func(r arm.ID) bool { return f.path.MatchString(r.String()) }
	if f.path != nil && !named(a.Source) && !slices.ContainsFunc(a.Resources, named) {
		return false
	}
	return f.Provider == "" || slices.ContainsFunc(a.Resources, f.ofProvider)
}

// ofProvider reports whether a resource is of the provider that is at fault.
func (f Fault) ofProvider(r arm.ID) bool {
	return f.Provider == "" || strings.EqualFold(r.Type().Namespace(), f.Provider)
}

// culprit is the resource whose provider is at fault.
func (f Fault) culprit(a move.Attempt) arm.ID {
	return a.Resources[max(0, slices.IndexFunc(a.Resources, f.ofProvider))]
}

// outcome is what a fault does to an operation.
func (f Fault) outcome(a move.Attempt) (*move.Outcome, error) {
	all := len(a.Resources)
	switch f.Kind {
	case MoveTimedOut:
		return &move.Outcome{Carry: f.carried(all), Until: a.Started.Add(MoveLimit), Code: http.StatusConflict, Fails: conflict("ResourceMoveTimedOut",
			"Moving resources did not finish within allowed time '04:00:00'. Provisioning state of the resource groups will be rolled back.")}, nil
	case ProviderTimedOut:
		return &move.Outcome{Carry: f.carried(all), Until: a.Checked.Add(ProviderLimit), Code: http.StatusConflict, Fails: conflict("ResourceMoveTimedOut",
			"Move resources for provider '%s' did not finish within allowed time '00:15:00'.", f.culprit(a).Type().Namespace())}, nil
	case HalfMoved:
		return f.halfMoved(a), nil
	case MovedButFailed:
		return &move.Outcome{Carry: all, Code: http.StatusConflict, Fails: conflict("ResourceMoveFailed",
			"All move in provider succeeded. However, the batch move job failed. The correlation id is '%s'.", a.Correlation)}, nil
	case NotificationsPending:
		return &move.Outcome{Carry: all, Lasts: time.Duration(f.For)}, nil
	case InternalError:
		return &move.Outcome{Code: http.StatusInternalServerError, Fails: errs.New(errs.Internal, "InternalServerError", "%s",
			or(f.Message, "The server met an internal error. Please try again."))}, nil
	case ValidatePassesMoveFails:
		return nil, f.refused(a, or(f.Code, "CannotMoveResource"), "Cannot move one or more resources in the request. Please check details for information about each resource.", true)
	case OperationNotAllowed:
		return nil, f.refused(a, "OperationNotAllowed", "The resource provider is being upgraded and does not move resources now. Please try again in 15 to 30 minutes.", false)
	}
	return nil, errs.New(errs.Internal, "FaultUnknown", "the fault %q of kind %q is none of a move", f.ID, f.Kind)
}

// carried is how many resources move before a time-out.
func (f Fault) carried(all int) int {
	switch f.Happened {
	case "true":
		return all
	case "partial":
		return *f.N
	}
	return 0
}

// halfMoved moves the first resources and names the rest.
func (f Fault) halfMoved(a move.Attempt) *move.Outcome {
	n := len(a.Resources) / 2
	if f.N != nil {
		n = min(*f.N, len(a.Resources))
	}
	trouble := conflict("ResourceMoveFailed", "The batch move job failed: '%d' of '%d' resources were not moved. The correlation id is '%s'.", len(a.Resources)-n, len(a.Resources), a.Correlation)
	for _, r := range a.Resources[n:] {
		trouble = trouble.With(conflict("ResourceMoveFailed", "The resource '%s' was not moved.", r).At(r.String()))
	}
	return &move.Outcome{Carry: n, Fails: trouble, Code: http.StatusConflict}
}

// refused is the verdict of a provider, in the form of arm-move 1.3: the type as target, the resource one level below.
func (f Fault) refused(a move.Attempt, code, message string, inner bool) *errs.Error {
	r := f.culprit(a)
	detail := conflict(code, "%s", or(f.Message, message)+fmt.Sprintf(" (resource '%s')", r)).At(string(r.Type()))
	if inner {
		detail = detail.With(conflict("MoveNotSupported", "Move for resource type %s is not supported. Move request contains resource %s of that type.", r.Type(), r).At(r.String()))
	}
	return conflict("ResourceMoveProviderValidationFailed", "Resource move validation failed. Please see details. %s", a.Diagnostics).With(detail)
}

func conflict(code, format string, args ...any) *errs.Error {
	return errs.New(errs.Conflict, code, format, args...)
}

// or is a text, or what stands for it when it is empty.
func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
