// Package fault makes a cloud go wrong on purpose (D12): requests that are slow, refused or lost, moves that end half way, resources that fail, and the
// token buckets by which Azure Resource Manager throttles.
//
// A Set is the list of faults, kept in the store so that all nodes of a cloud and all restarts agree. It stands between the server and the engine
// (Gate), tells the moves how to end (it is the move.Faults), and wraps behaviours of the provider table (Instrument). It says what goes wrong; how
// a move or a resource is carried out it must not know. It stands on move, provider, tree, identity and store.
//
// # Repeatable
//
// Each fault counts the events that match it: 0, 1, 2, ... Whether it strikes at event n is decided by n (skip, times) and by a hash of the seed, the
// fault's id and n (probability), never by a random source that several faults share. So the same seed, the same faults and the same sequence of
// requests give the same faults, and adding a fault does not change what the others do. Faults of requests count on each node of the cloud by
// itself and begin anew when it starts; faults of moves and resources count in the store, in the transaction that they strike.
package fault

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/errs"
)

// Kind names what goes wrong.
type Kind string

// Kinds of faults of requests.
const (
	Latency    Kind = "latency"    // the answer comes later
	Status     Kind = "status"     // an error is answered before anything happens
	LostAnswer Kind = "lostAnswer" // the request is carried out, then the connection is cut
	Drop       Kind = "drop"       // the connection is cut before anything happens
	SlowBody   Kind = "slowBody"   // the body of the answer trickles
)

// Kinds of faults of moves (arm-move 2 and 3, peers 3.1).
const (
	MoveTimedOut            Kind = "moveTimedOut"            // the limit of four hours
	ProviderTimedOut        Kind = "providerTimedOut"        // the limit of fifteen minutes of one provider, also in a validation
	HalfMoved               Kind = "halfMoved"               // some resources move, the rest stays
	MovedButFailed          Kind = "movedButFailed"          // all resources move, and the operation says that it failed
	ValidatePassesMoveFails Kind = "validatePassesMoveFails" // a provider refuses in the move what it allowed before
	NotificationsPending    Kind = "notificationsPending"    // all resources have moved, and the operation runs on
	InternalError           Kind = "internalError"           // 500 at the end, nothing moves
	OperationNotAllowed     Kind = "operationNotAllowed"     // a provider is being upgraded
)

// Kinds of faults of resources.
const (
	NameHeld                    Kind = "nameHeld"                    // the name of a deleted resource is not free yet
	DeploymentFails             Kind = "deploymentFails"             // a long-running PUT ends in Failed
	PrivateEndpointStaysPending Kind = "privateEndpointStaysPending" // nobody approves a connection
)

// Duration is a time.Duration that JSON writes as "1h30m0s".
type Duration time.Duration

// MarshalText writes the duration as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	if err != nil {
		return errs.New(errs.Invalid, "InvalidDuration", "%q is not a duration such as 90s, 15m or 4h", text)
	}
	*d = Duration(value)
	return nil
}

// Match says which events a fault is about. What is empty matches all.
type Match struct {
	Method      string   `json:"method,omitempty"`      // requests
	Path        string   `json:"path,omitempty"`        // glob: of the request; of the source group or a resource of the move; of the resource
	Action      string   `json:"action,omitempty"`      // glob over role actions: Microsoft.Storage/storageAccounts/write
	Operation   string   `json:"operation,omitempty"`   // moves: move.validate or move.move
	Principal   string   `json:"principal,omitempty"`   // object or client id of the caller
	Skip        int64    `json:"skip,omitempty"`        // so many matching events pass first
	Times       int64    `json:"times,omitempty"`       // it strikes so often; 0: without end
	Probability *float64 `json:"probability,omitempty"` // of the events that are left; absent: all
}

// Fault is one thing that goes wrong. Which parameters a kind takes, and which it needs, is in the table of kinds; others are refused.
type Fault struct {
	ID    string `json:"id"`
	Kind  Kind   `json:"kind"`
	Match Match  `json:"match"`

	Delay      Duration `json:"delay,omitempty"`      // latency: of the answer; slowBody: before each chunk
	Chunk      int      `json:"chunk,omitempty"`      // slowBody: bytes
	Status     int      `json:"status,omitempty"`     // status, nameHeld
	RetryAfter int      `json:"retryAfter,omitempty"` // status: seconds
	Code       string   `json:"code,omitempty"`       // of the error
	Message    string   `json:"message,omitempty"`    // of the error
	Happened   Happened `json:"happened,omitempty"`   // time-outs of a move: whether resources moved nevertheless
	N          *int     `json:"n,omitempty"`          // how many resources move, in the order of the request
	Provider   string   `json:"provider,omitempty"`   // namespace that is at fault; the first resource's if empty
	For        Duration `json:"for,omitempty"`        // how long, on the cloud's clock

	Revision int64 `json:"revision,omitempty"` // of the set when the fault was written; its counters are of that revision
}

// Happened is true, false or "partial".
type Happened string

// UnmarshalJSON reads a boolean or the word partial.
func (h *Happened) UnmarshalJSON(data []byte) error {
	switch text := string(data); text {
	case "true", "false", `"partial"`:
		*h = Happened(strings.Trim(text, `"`))
		return nil
	}
	return errs.New(errs.Invalid, "InvalidFault", `"happened" is %s and must be true, false or "partial"`, data)
}

// MarshalJSON writes what UnmarshalJSON reads.
func (h Happened) MarshalJSON() ([]byte, error) {
	if h == "partial" {
		return json.Marshal(string(h))
	}
	return []byte(h), nil
}

// glob compiles a pattern: * is anything but a slash, ** is anything; case does not matter.
func glob(pattern string) *regexp.Regexp {
	if pattern == "" {
		return nil
	}
	text := regexp.QuoteMeta(pattern)
	text = strings.ReplaceAll(text, `\*\*`, `.*`)
	text = strings.ReplaceAll(text, `\*`, `[^/]*`)
	return regexp.MustCompile(`(?is)\A` + text + `\z`) // the pattern is quoted: it always compiles
}

// invalid refuses a fault.
func invalid(f Fault, format string, args ...any) error {
	return errs.New(errs.Invalid, "InvalidFault", "the fault %q of kind %q: %s", f.ID, f.Kind, fmt.Sprintf(format, args...))
}
