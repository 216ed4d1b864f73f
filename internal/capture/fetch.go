package capture

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// query is one thing to read.
type query struct {
	section snapshot.Section
	path    string
	typ     arm.Type // of the documents, and of the api-version
	why     string   // why it matters, if it cannot be read
	// subscription whose provider is asked for api-versions; that of the path if empty.
	subscription string
	// key names a document that has no id of its own, or shares it. May be nil.
	key func(doc head, n int) string
	// keep says whether a document is kept; nil keeps all. What is left out is counted in a note.
	keep func(head) bool
	// each hears of every document that is kept. May be nil.
	each func(ctx context.Context, doc head)
	// none are the codes of refusals that say that there is nothing to list.
	none []string
	// old kinds may answer with a server error where they were switched off: that is a gap as well, not an outage.
	old bool
}

// head is what the capture itself reads of a document.
type head struct {
	ID         string
	Name       json.RawMessage // a text, or {value, localizedValue} of a quota
	Properties json.RawMessage
	raw        json.RawMessage
}

// property is one of the properties; nil if there is none.
func (h head) property(name string) json.RawMessage {
	var properties map[string]json.RawMessage
	_ = json.Unmarshal(h.Properties, &properties) // absent, or null
	return properties[name]
}

// name is the name of a document, in either form.
func (h head) name() string {
	var text string
	if json.Unmarshal(h.Name, &text) == nil {
		return text
	}
	var value struct{ Value string }
	_ = json.Unmarshal(h.Name, &value)
	return value.Value
}

// text is a property that is a text; empty if it is none.
func (h head) text(property string) string {
	var text string
	_ = json.Unmarshal(h.property(property), &text)
	return text
}

// member is a definition in an initiative.
type member struct{ PolicyDefinitionID string }

// members reads a property that is a list of definitions.
func (h head) members(property string) []member {
	var list []member
	_ = json.Unmarshal(h.property(property), &list)
	return list
}

// get reads one document.
func (r *reading) get(ctx context.Context, path, version string) (json.RawMessage, error) {
	answer, err := r.Client.Do(ctx, http.MethodGet, path, version, nil)
	return answer.Body, err
}

// one reads one document and keeps it. found is false when there is a gap in its place.
func (r *reading) one(ctx context.Context, q query) (doc head, found bool, err error) {
	version := r.versionOf(ctx, q)
	body, err := r.get(ctx, q.path, version)
	if err != nil {
		return doc, false, r.gap(ctx, q, err)
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return doc, false, errs.Wrap(errs.Unavailable, "AnswerDamaged", err, "read the document %s", q.path)
	}
	doc.raw = body
	id := doc.ID
	if id == "" {
		id = q.path
	}
	return doc, true, r.keep(ctx, r.document(q.section, id, q.typ, version, body))
}

// list reads a collection to its end and keeps its documents.
func (r *reading) list(ctx context.Context, q query) error {
	version := r.versionOf(ctx, q)
	n, skipped := 0, 0
	var together []snapshot.Document
	err := r.Client.List(ctx, q.path, version, func(raw json.RawMessage) error {
		doc := head{}
		if err := json.Unmarshal(raw, &doc); err != nil {
			return errs.Wrap(errs.Unavailable, "AnswerDamaged", err, "read a document of the list %s", q.path)
		}
		doc.raw = raw
		n++
		if q.keep != nil && !q.keep(doc) {
			skipped++
			return nil
		}
		id := doc.ID
		if q.key != nil {
			id = q.key(doc, n-1)
		}
		if id == "" {
			id = r.keyOf(q, doc.name(), n-1)
		}
		if together = append(together, r.document(q.section, id, q.typ, version, raw)); len(together) == keptTogether {
			full := together
			together = nil
			r.crew.do(func(ctx context.Context) error { return r.keep(ctx, full...) })
		}
		if q.each != nil {
			q.each(ctx, doc)
		}
		return ctx.Err()
	})
	if kept := r.keep(ctx, together...); kept != nil {
		return kept
	}
	if err != nil {
		return r.gap(ctx, q, err)
	}
	if skipped > 0 {
		return r.writer.AddNote(ctx, snapshot.Note{Code: snapshot.DocumentsSkipped, Subject: q.path,
			Text: strconv.Itoa(skipped) + " of " + strconv.Itoa(n) + " documents have nothing to do with this workspace and were left out"})
	}
	return nil
}

// keyOf names a document of a list that has no id.
func (r *reading) keyOf(q query, name string, n int) string {
	path, _, _ := strings.Cut(q.path, "?")
	if name == "" {
		name = strconv.Itoa(n)
	}
	return path + "#" + name
}

func (r *reading) versionOf(ctx context.Context, q query) string {
	subscription := q.subscription
	if target, err := arm.ParseTarget(q.path); subscription == "" && err == nil {
		subscription = target.ID.Subscription()
	}
	if subscription == "" {
		subscription = r.Workspace.Subscription()
	}
	return r.Client.Version(ctx, subscription, q.typ)
}

// keptTogether is how many documents of a list are written by one hand while another one reads on: a list of jobs is as long as all others together.
const keptTogether = 25

// document is what is kept of an answer that has just come.
func (r *reading) document(section snapshot.Section, id string, t arm.Type, version string, body json.RawMessage) snapshot.Document {
	return snapshot.Document{Section: section, ID: id, Type: t, Version: version, Taken: r.Now(), Body: body}
}

// keep writes documents.
func (r *reading) keep(ctx context.Context, documents ...snapshot.Document) error {
	for _, d := range documents {
		if err := r.writer.Add(ctx, d); err != nil {
			return err
		}
		r.Progress.Documents.Add(1)
		r.Progress.Bytes.Add(int64(len(d.Body)))
	}
	return nil
}

// otherTenant is ARM's code for a subscription of another tenant than that of the token. Of a subscription that is not the workspace's that is an answer (S27), not a
// token that ran out.
const otherTenant = "InvalidAuthenticationTokenTenant"

// atHome reports whether a path is of the workspace's own subscription, or of none.
func (r *reading) atHome(path string) bool {
	target, err := arm.ParseTarget(path)
	subscription := target.ID.Subscription()
	return err != nil || subscription == "" || strings.EqualFold(subscription, r.Workspace.Subscription())
}

// gap writes down what was refused, and passes on what is no refusal: a network that is gone must not look like a workspace that is empty.
func (r *reading) gap(ctx context.Context, q query, err error) error {
	trace, answered := azure.TraceOf(err)
	trouble := errs.As(err)
	if !answered || trouble == nil || ctx.Err() != nil {
		return err
	}
	if slices.Contains(q.none, trouble.Code) {
		return nil
	}
	switch trouble.Kind {
	case errs.Denied, errs.NotFound, errs.Unsupported, errs.Invalid, errs.Conflict:
	case errs.Unauthorized:
		if !strings.EqualFold(trouble.Code, otherTenant) || r.atHome(q.path) {
			return err
		}
	case errs.Unavailable:
		if !q.old {
			return err
		}
	default:
		return err
	}
	path, _, _ := strings.Cut(q.path, "?")
	r.Progress.Gaps.Add(1)
	return r.writer.AddGap(ctx, snapshot.Gap{Section: q.section, Path: path, Status: trace.Status, Code: trouble.Code, Message: trouble.Message, Why: q.why})
}
