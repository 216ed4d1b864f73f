package action

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
)

// sendLimit bounds one request with its repeats, once it is on its way: a person who stops the run does not cut it off in the middle.
const sendLimit = 10 * time.Minute

// Send sends a request that changes something, and follows its operation to the end. It is in the journal before it leaves. When the context ends, a request on its
// way is still brought to its answer; only following is given up, and can be taken up again.
func (t *Task) Send(ctx context.Context, method, path, version string, body any) (azure.Answer, error) {
	number, answer, err := t.begin(ctx, method, path, version, body)
	location := answer.Trace().Location
	if err != nil || location == "" {
		return answer, err
	}
	return t.Follow(ctx, Operation{number, location}, version, answer.Header)
}

// begin is Send without following. What needs no following, or got no answer, has ended in the journal.
func (t *Task) begin(ctx context.Context, method, path, version string, body any) (number int64, answer azure.Answer, err error) {
	if ctx.Err() != nil {
		return 0, answer, ctx.Err()
	}
	if number, err = t.Journal.Begin(ctx, t.Step.ID, t.Back, method, strings.SplitN(path, "?", 2)[0]); err != nil {
		return 0, answer, err
	}
	sending, stop := context.WithTimeout(context.WithoutCancel(ctx), sendLimit)
	defer stop()
	answer, err = t.Client.Do(sending, method, path, version, body)
	trace, answered := answer.Trace(), true
	if err != nil {
		trace, answered = azure.TraceOf(err)
	}
	if answered {
		if noting := t.Journal.Answered(sending, number, trace); noting != nil {
			return number, answer, errors.Join(err, noting)
		}
	}
	if err != nil || trace.Location == "" {
		err = errors.Join(err, t.Journal.Ended(sending, number, err))
	}
	return number, answer, err
}

// peek is how soon an operation is looked at for the first time: many have ended by then, whatever Retry-After says. Other clients look at once (client-wire 5.3).
const peek = 150 * time.Millisecond

// Follow waits for the end of an operation, by the clock of the run, and writes it down. One that cannot be asked how it stands goes on: its end is not known, and whoever takes the step up asks
// again. What it removes may look untouched until then.
func (t *Task) Follow(ctx context.Context, o Operation, version string, header http.Header) (azure.Answer, error) {
	for wait := min(peek, retryAfter(header)); ; wait = retryAfter(header) {
		if err := t.Clock.Sleep(ctx, wait); err != nil {
			return azure.Answer{}, err
		}
		answer, ended, err := t.Client.Look(ctx, o.URL, version)
		if ctx.Err() != nil || !ended && unasked(err) {
			return answer, err
		}
		if ended || err != nil {
			return answer, errors.Join(err, t.Journal.Ended(ctx, o.Number, err))
		}
		header = answer.Header
	}
}

// retryAfter is how long the other side asks to wait.
func retryAfter(header http.Header) time.Duration {
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second
	}
	return 5 * time.Second
}

// Put makes or changes a resource and returns it when it has settled. A provisioningState of Failed or Canceled is an error with what the service says about it,
// whatever the status code was (pain 36).
func (t *Task) Put(ctx context.Context, id arm.ID, body arm.Document) (arm.Document, error) {
	return t.write(ctx, http.MethodPut, id, body)
}

// Patch changes a resource and returns it when it has settled.
func (t *Task) Patch(ctx context.Context, id arm.ID, body arm.Document) (arm.Document, error) {
	return t.write(ctx, http.MethodPatch, id, body)
}

func (t *Task) write(ctx context.Context, method string, id arm.ID, body arm.Document) (arm.Document, error) {
	if _, err := t.Send(ctx, method, id.String(), t.Version(ctx, id), body); err != nil {
		return nil, err
	}
	return t.Settled(ctx, id)
}

// Settled waits until nobody changes a resource by themselves any more, and returns it. Conflict when it settled badly.
func (t *Task) Settled(ctx context.Context, id arm.ID) (arm.Document, error) {
	var doc arm.Document
	err := t.Until(ctx, func() (bool, error) {
		found := false
		var err error
		if doc, found, err = t.Read(ctx, id); err != nil {
			return false, err
		}
		if !found {
			return false, errs.New(errs.NotFound, "ResourceGone", "%s is not there although it was just written", id).At(id.String())
		}
		state := aml.StateOf(doc.Text("properties.provisioningState"))
		return state == "" || state.Terminal(), nil
	})
	if err != nil {
		return doc, err
	}
	if state := aml.StateOf(doc.Text("properties.provisioningState")); state == aml.Failed || state == aml.Canceled {
		return doc, errs.New(errs.Conflict, "ProvisioningFailed", "%s settled as %s%s", id, state, reasons(doc)).At(id.String())
	}
	return doc, nil
}

// reasons are what a document says about why it failed.
func reasons(doc arm.Document) string {
	for _, path := range []string{"properties.provisioningErrors", "properties.error", "properties.properties.errors", "properties.errors"} {
		value, _ := doc.At(path)
		if value == nil {
			continue
		}
		if text, err := json.Marshal(value); err == nil {
			return ": " + string(text)
		}
	}
	return ""
}

// Remove deletes a resource and returns when it is gone. query is added to the path, without a question mark. One that is not there is fine.
func (t *Task) Remove(ctx context.Context, id arm.ID, query string) error {
	path := id.String()
	if query != "" {
		path += "?" + query
	}
	if _, err := t.Send(ctx, http.MethodDelete, path, t.Version(ctx, id), nil); err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	return t.Until(ctx, func() (bool, error) {
		_, found, err := t.Read(ctx, id)
		return !found, err
	})
}

// Steps of waiting: often at first, seldom later.
const (
	firstLook = 500 * time.Millisecond
	lastLook  = 20 * time.Second
)

// Until asks again and again, ever more seldom, until the answer is yes, an error, or the context ends.
func (t *Task) Until(ctx context.Context, ask func() (bool, error)) error {
	for wait := firstLook; ; wait = min(wait*2, lastLook) {
		yes, err := ask()
		if yes || err != nil {
			return err
		}
		if err := t.Clock.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}
