package contract

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/provider"
)

// unknown is a member that no description has; it goes into every object of a request and must come back as it was written.
const unknown = `{"deep": [1, 2.50, "three", {"large": 12345678901234567890, "exponent": 1E-7, "none": null}]}`

// TestWhatIsPutComesBack puts every example of every type below a workspace, reads it, and puts what it read once more: nothing is lost (D1). Then the
// whole workspace goes through a snapshot into another cloud, and nothing is lost there.
func TestWhatIsPutComesBack(t *testing.T) {
	t.Parallel()
	root := specifications(t)
	learning := services()[0]
	b := newBook()
	if err := learning.load(b, root); err != nil {
		t.Fatal(err)
	}
	if err := b.link(); err != nil {
		t.Fatal(err)
	}
	r := &runner{world: newWorld(t), service: learning}
	_, types, _ := cloud.Types().Namespace("Microsoft.MachineLearningServices")
	tried, planted := 0, 0
	for _, entry := range types {
		path, below := strings.CutPrefix(entry.Name.Path(), "workspaces/")
		if !below || entry.NoPut {
			continue
		}
		puts := r.puts(path)
		if len(puts) == 0 {
			t.Errorf("nothing is put for the type %s: it has no published example and none of ours", entry.Name)
		}
		for _, p := range puts {
			tried++
			planted += plant(p.schema, "", p.body)
			trip(t, r.world, entry, p)
		}
	}
	t.Logf("%d documents with %d unknown members went round", tried, planted)
	if planted < 2*tried {
		t.Errorf("only %d unknown members were planted into %d documents", planted, tried)
	}
	copied(t, r.world, tried)
}

// put is one document of a type.
type put struct {
	file, path, version string
	schema              *schema // nil where the description has none
	body                map[string]any
}

// puts are the documents of a type: its published examples, or ours.
func (r *runner) puts(kind string) []put {
	var all []put
	for template, methods := range r.service.templates {
		op := methods[http.MethodPut]
		_, words, ok := strings.Cut(strings.ToLower(placeholder.ReplaceAllString(template, "")), "/workspaces//")
		if op == nil || !ok || strings.TrimSuffix(strings.ReplaceAll(words, "//", "/"), "/") != strings.ToLower(kind) {
			continue
		}
		for _, x := range op.examples {
			values := r.values(op, x)
			body := r.content(op, x, nil)
			r.world.references(body)
			r.prepare(op, x, values)
			all = append(all, put{x.file, expand(template, values), op.version, op.body().schema, body})
		}
	}
	for _, own := range beyond {
		if own.kind == kind {
			all = append(all, put{"(ours)", r.world.workspace() + "/" + kind + "/contract1", own.version, nil, r.world.rewrite(own.body).(map[string]any)})
		}
	}
	return all
}

// trip puts a document, reads it, compares, and puts what it read.
func trip(t *testing.T, w *world, entry *provider.Type, p put) {
	t.Helper()
	name := fmt.Sprintf("%s, %s", entry.Name.Path(), p.file)
	read := func(body any) map[string]any {
		first := w.send(http.MethodPut, p.path+"?api-version="+p.version, body)
		if end := w.follow(first); first.Status >= 300 || end.trouble != "" {
			t.Errorf("%s: PUT is answered %d: %s %s", name, first.Status, first.Body, end.trouble)
			return nil
		}
		got := w.send(http.MethodGet, p.path+"?api-version="+p.version, nil)
		var doc map[string]any
		if err := decode(got.Body, &doc); err != nil || got.Status != http.StatusOK {
			t.Errorf("%s: GET is answered %d: %s", name, got.Status, got.Body)
			return nil
		}
		return doc
	}
	once := read(p.body)
	if once == nil {
		return
	}
	for _, line := range lost(entry, p.schema, "", p.body, once) {
		t.Errorf("%s: %s", name, line)
	}
	before := w.send(http.MethodGet, p.path+"?api-version="+p.version, nil).Body // as text: numbers keep their form
	twice := read(string(before))
	for _, line := range lost(entry, nil, "", once, twice) {
		t.Errorf("%s, put as it was read: %s", name, line)
	}
}

// plant puts the unknown member into every object that has members of its own; it returns how many.
func plant(s *schema, path string, object map[string]any) (planted int) {
	var members map[string]*member
	if s != nil {
		s = newJudgement(request).variant(path, s, object)
		members, _, _ = s.all()
	}
	for name, value := range object {
		m := members[name]
		if s != nil && (m == nil || m.secret || m.writeOnly || m.readOnly) || s == nil && mapped[name] && path != "" {
			continue
		}
		var inner *schema
		if m != nil {
			inner = m.schema
		}
		switch v := value.(type) {
		case map[string]any:
			planted += plant(inner, path+"."+name, v)
		case []any:
			for _, item := range v {
				if element, ok := item.(map[string]any); ok && (m == nil || m.items != nil) {
					if m != nil {
						inner = m.items
					}
					planted += plant(inner, path+"."+name, element)
				}
			}
		}
	}
	if s == nil || len(members) > 0 && s.additional == nil {
		var value any
		if err := decode([]byte(unknown), &value); err != nil {
			panic(err)
		}
		object["x-unknown"] = value
		planted++
	}
	return planted
}

// mapped are members of documents without a description that map names to values.
var mapped = map[string]bool{"tags": true, "properties": true, "kvTags": true, "labelCategories": true, "userAssignedIdentities": true}

// lost lists what is in one document and not, or not the same, in another. Secret, read-only and computed members do not count.
func lost(entry *provider.Type, s *schema, path string, want, got any) []string {
	if owned(entry, path) {
		return nil
	}
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %v and was an object", path, got)}
		}
		var members map[string]*member
		if s != nil {
			s = newJudgement(request).variant(path, s, w)
			members, _, _ = s.all()
		}
		var lines []string
		for _, name := range keys(w) {
			m := members[name]
			if m != nil && (m.secret || m.writeOnly || m.readOnly) || w[name] == nil && (g[name] == nil || empty(g[name])) {
				continue
			}
			var inner *schema
			if m != nil {
				inner = m.schema
			}
			if _, there := g[name]; !there && !owned(entry, join(path, name)) {
				lines = append(lines, join(path, name)+" is lost")
				continue
			}
			lines = append(lines, lost(entry, inner, join(path, name), w[name], g[name])...)
		}
		return lines
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return []string{fmt.Sprintf("%s is %v and was a list of %d", path, got, len(w))}
		}
		var lines []string
		for i := range w {
			var inner *schema
			if s != nil {
				inner = s.items
			}
			lines = append(lines, lost(entry, inner, path+"[]", w[i], g[i])...)
		}
		return lines
	}
	if want != got { // numbers are compared as they are written
		return []string{fmt.Sprintf("%s is %v and was %v", path, got, want)}
	}
	return nil
}

func join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

// owned reports whether a member belongs to the service: secret by the table of types, or computed.
func owned(entry *provider.Type, path string) bool {
	for _, secret := range entry.Secrets {
		if path == strings.TrimSuffix(secret, ".*") {
			return true
		}
	}
	for _, c := range computed {
		if (c.kind == "" || "workspaces/"+c.kind == entry.Name.Path()) && c.path == path {
			return true
		}
	}
	return false
}

// computed are members that the service changes of itself, with the reason.
var computed = []struct{ kind, path, reason string }{
	{"", "systemData.lastModifiedAt", "says when"},
	{"computes", "properties.modifiedOn", "says when"},
	{"computes", "properties.properties.allocationStateTransitionTime", "says when"},
	{"linkedServices", "properties.modifiedTime", "says when"},
	{"services", "properties.updatedTime", "says when"},
	{"jobs", "properties.status", "a job goes on between two requests"},
	{"labelingJobs", "properties.status", "a job goes on between two requests"},
	{"outboundRules", "properties.status", "the service says whether a rule is active, whatever the request says"},
}

// beyond are documents of types that the description of 2024-04-01 has not.
var beyond = []struct {
	kind, version string
	body          object
}{
	{"capabilityHosts", "2025-09-01", object{"properties": object{"capabilityHostKind": "Agents", "description": "a host", "tags": object{"a": "b"}}}},
	{"services", "2021-04-01", object{"location": "eastus", "properties": object{"computeType": "ACI", "description": "a service", "kvTags": object{"a": "b"}}}},
	{"labelingJobs", "2023-04-01-preview", object{"properties": object{"jobType": "Labeling", "displayName": "cats", "description": "of cats",
		"labelCategories":      object{"animal": object{"displayName": "Animal", "classes": object{"cat": object{"displayName": "Cat"}}}},
		"datasetConfiguration": object{"assetName": "cats", "datasetVersion": "1"}}}},
	{"linkedServices", "2020-09-01-preview", object{"properties": object{"linkType": "Synapse",
		"linkedServiceResourceId": here + "/Microsoft.Synapse/workspaces/contract"}}},
	{"linkedWorkspaces", "2020-03-01", object{"properties": object{
		"linkedWorkspaceResourceId": here + "/Microsoft.Databricks/workspaces/contract"}}},
}
