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
	"github.com/amlmove/amlmove/internal/snapshot"
)

// content reads everything below the workspace, and notes what the provider offers there that we do not know.
func (r *reading) content(ctx context.Context) error {
	offer, err := r.Client.Offer(ctx, r.Workspace.Subscription(), aml.Namespace)
	if err != nil {
		gap := query{section: snapshot.Source, path: "/subscriptions/" + r.Workspace.Subscription() + "/providers/" + aml.Namespace,
			why: "kinds of content that this program does not know cannot be found"}
		if err := r.gap(ctx, gap, err); err != nil {
			return err
		}
	}
	if err := r.unknown(ctx, offer); err != nil {
		return err
	}
	for _, kind := range aml.Kinds() {
		if kind.Depth() == 1 {
			r.crew.do(func(ctx context.Context) error { return r.kind(ctx, offer, kind, r.Workspace.String()+"/"+kind.Path) })
		}
	}
	return nil
}

// unknown notes the child types that the provider offers and aml does not know (D1). Types of actions and of the service's own use are among them: whoever
// reads the note decides.
func (r *reading) unknown(ctx context.Context, offer azure.Offer) error {
	for _, path := range offer.Types() {
		child, below := strings.CutPrefix(strings.ToLower(path), "workspaces/")
		if _, known := aml.FindKind(child); !below || known {
			continue
		}
		err := r.writer.AddNote(ctx, snapshot.Note{Code: snapshot.UnknownKind, Subject: aml.Namespace + "/" + path,
			Text: "the provider offers this kind of workspace content, and this version of amlmove does not know it: look whether the workspace has any, for it is not in the snapshot"})
		if err != nil {
			return err
		}
	}
	return nil
}

// old are kinds of api-versions that Azure has been switching off.
var old = []string{"services", "labelingJobs", "linkedServices", "linkedWorkspaces"}

// kind reads one collection of content and the collections below each of its documents.
func (r *reading) kind(ctx context.Context, offer azure.Offer, kind aml.Kind, path string) error {
	q := query{section: snapshot.Content, path: path, typ: kind.Type(), old: slices.Contains(old, kind.Path),
		why: "content of the kind " + kind.Path + " is not in the snapshot: a move may lose it, or be stopped by it"}
	if kind.Archivable || kind.Path == "schedules" {
		q.path += "?listViewType=All" // the default hides what is archived, or disabled
	}
	below := childrenOf(kind)
	q.each = func(_ context.Context, doc head) {
		for _, child := range below {
			name := child.Path[strings.LastIndexByte(child.Path, '/')+1:]
			r.crew.do(func(ctx context.Context) error { return r.kind(ctx, offer, child, doc.ID+"/"+name) })
		}
		switch kind.Path {
		case "privateEndpointConnections":
			r.endpointOf(doc)
		case "onlineEndpoints":
			r.crew.do(func(ctx context.Context) error { return r.requests(ctx, doc) })
			r.settingsOf(doc)
		case "onlineEndpoints/deployments":
			r.settingsOf(doc)
		}
	}
	if _, offered := offer.Versions(q.typ); !offered && len(offer.Types()) > 0 {
		return r.notOffered(ctx, q)
	}
	return r.list(ctx, q)
}

// notOffered asks all the same for a kind that the provider does not list, as it does with some: a refusal then is no gap but what was to be expected.
func (r *reading) notOffered(ctx context.Context, q query) error {
	version := r.versionOf(ctx, q)
	_, err := r.get(ctx, q.path, version)
	if trouble := errs.As(err); trouble != nil && (trouble.Kind == errs.NotFound || trouble.Kind == errs.Invalid || trouble.Kind == errs.Unsupported) {
		return r.writer.AddNote(ctx, snapshot.Note{Code: snapshot.KindNotOffered, Subject: string(q.typ), Text: "the provider does not offer this kind: " + trouble.Code})
	}
	return r.list(ctx, q)
}

// childrenOf are the kinds directly below a kind.
func childrenOf(kind aml.Kind) []aml.Kind {
	var children []aml.Kind
	for _, k := range aml.Kinds() {
		if rest, ok := strings.CutPrefix(k.Path, kind.Path+"/"); ok && !strings.Contains(rest, "/") {
			children = append(children, k)
		}
	}
	return children
}

// settingsOf hands in the diagnostic settings of a document of the content.
func (r *reading) settingsOf(doc head) {
	if id, err := arm.Parse(doc.ID); err == nil && len(id) > 0 {
		r.settings(id)
	}
}

// endpointOf hands in the private endpoint that a connection belongs to.
func (r *reading) endpointOf(connection head) {
	var endpoint struct{ ID string }
	_ = json.Unmarshal(connection.property("privateEndpoint"), &endpoint) // a rejected connection may have none
	id, err := arm.Parse(endpoint.ID)
	if err == nil && len(id) > 0 && r.first(endpoint.ID) {
		r.crew.do(func(ctx context.Context) error { return r.endpoint(ctx, id) })
	}
}
