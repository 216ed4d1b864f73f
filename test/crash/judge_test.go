package crash

import (
	"database/sql"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// rest waits until nothing runs any more: first what the load knows of, through the API, then by the store itself.
func (w *world) rest(t *testing.T, c *client, r *rows) {
	t.Helper()
	for _, one := range w.writers {
		for _, operation := range one.operations {
			if last := c.ended(t, operation); !succeeded(last) {
				t.Errorf("an acknowledged operation ended with %d: %s", last.status, last.body)
			}
		}
		one.operations = nil
	}
	for _, p := range w.pairs {
		if p.open != nil && p.open.operation != "" {
			c.ended(t, p.open.operation)
		}
	}
	eventually(t, "no operation runs", func() bool { return len(r.running(t)) == 0 })
}

// judge compares what the API answers with what was acknowledged.
func (w *world) judge(t *testing.T, c *client) {
	t.Helper()
	for _, p := range w.pairs {
		p.settle(t, c)
	}
	w.judgePlaces(t, c)
	w.judgeGroups(t, c)
	for _, one := range w.writers {
		for _, th := range one.things {
			th.judge(t, c)
		}
	}
	w.judgeLists(t, c)
}

// settle finds out how a move ended that nobody saw ending: all of it happened or nothing.
func (p *pair) settle(t *testing.T, c *client) {
	t.Helper()
	if p.open == nil {
		return
	}
	o := p.open
	if o.operation != "" {
		c.ended(t, o.operation)
	}
	arrived := c.get(t, o.places[0].in(o.to)) != nil
	for _, one := range o.places {
		there, here := c.get(t, one.in(o.to)) != nil, c.get(t, one.in(o.from)) != nil
		if there != arrived || here == arrived {
			t.Errorf("a move of %d is torn: %s is at the source: %v, at the target: %v; the first one arrived: %v", len(o.places), one.tail, here, there, arrived)
		}
	}
	last := answer{status: http.StatusConflict}
	if arrived {
		last.status = http.StatusNoContent
	}
	if o.operation != "" {
		last = c.ended(t, o.operation)
		if moved := last.status == http.StatusNoContent; moved != arrived || !moved && last.status != http.StatusConflict {
			t.Errorf("the move ended with %d, arrived: %v: %s", last.status, arrived, last.body)
		}
	}
	p.close(last)
}

// judgePlaces checks that everything that can move is in one group, unchanged, and names its account where that is.
func (w *world) judgePlaces(t *testing.T, c *client) {
	t.Helper()
	for _, p := range w.pairs {
		for _, one := range p.places {
			for _, side := range p.sides {
				if there := c.get(t, one.in(side)) != nil; there != (side == one.where()) {
					t.Errorf("%s is in %s: %v", one.tail, side, there)
				}
			}
		}
	}
	for _, one := range w.places() {
		doc := c.get(t, one.path())
		if one.guid == "" || doc == nil {
			continue
		}
		if got := text(doc, "properties.workspaceId"); got != one.guid {
			t.Errorf("the guid of %s is %s, was %s", one.tail, got, one.guid)
		}
		if got := text(doc, "properties.storageAccount"); !strings.EqualFold(got, one.bond.path()) {
			t.Errorf("%s names the account %s, which is at %s", one.tail, got, one.bond.path())
		}
		if got := text(doc, "properties.provisioningState"); got != "Succeeded" {
			t.Errorf("%s is %s", one.tail, got)
		}
	}
}

// judgeGroups checks that no group is locked, that each takes a write, and that each holds what it should and nothing else.
func (w *world) judgeGroups(t *testing.T, c *client) {
	t.Helper()
	for _, group := range w.groups {
		if got := text(c.get(t, group), "properties.provisioningState"); got != "Succeeded" {
			t.Errorf("the group %s is %s", group, got)
		}
		c.must(t, http.MethodPatch, group, object{"tags": object{"written": "yes"}})
		if strings.HasSuffix(group, "/vaults") {
			continue
		}
		want := []string{}
		for _, one := range w.places() {
			if one.where() == group {
				want = append(want, one.tail[strings.LastIndexByte(one.tail, '/')+1:])
			}
		}
		slices.Sort(want)
		if got := sorted(c.names(t, group+"/resources")); !slices.Equal(got, want) {
			t.Errorf("the group %s lists %v, want %v", group, got, want)
		}
	}
}

func sorted(names map[string]map[string]any) []string {
	list := []string{}
	for name := range names {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// judge reads a thing: it holds what it may hold. From here on that is certain.
func (th *thing) judge(t *testing.T, c *client) {
	t.Helper()
	doc := c.get(t, th.path())
	th.seen(t, "the API", doc)
	token, _ := th.held(doc)
	th.acknowledged(token, th.home.moved())
	if token == "" {
		return
	}
	switch th.kind.name {
	case "datastore":
		secrets := c.must(t, http.MethodPost, th.path()+"/listSecrets", nil).doc()
		want := text(th.body(th.name, token), "properties.credentials.secrets.key")
		if got := text(secrets, "key"); got != want {
			t.Errorf("the secret of %s is %q, its document is %s", th, got, token)
		}
	case "compute":
		if got := text(doc, "properties.provisioningState"); got != "Succeeded" {
			t.Errorf("%s is %s", th, got)
		}
	case "job":
		if got := text(doc, "properties.status"); got != "Completed" {
			t.Errorf("%s is %s", th, got)
		}
	}
}

// seen complains when a document is not one that the thing may be.
func (th *thing) seen(t *testing.T, who string, doc map[string]any) {
	t.Helper()
	token, whole := th.held(doc)
	if !whole {
		t.Errorf("%s shows a mixture in %s: %s", who, th, token)
	} else if !slices.Contains(th.possible(), token) {
		t.Errorf("%s shows %q in %s, acknowledged was %q", who, token, th, th.possible())
	}
}

// judgeLists checks that collections list what is there and nothing else.
func (w *world) judgeLists(t *testing.T, c *client) {
	t.Helper()
	for _, home := range w.places() {
		if home.guid == "" {
			continue
		}
		for collection, kind := range map[string]string{"jobs": "job", "datastores": "datastore", "computes": "compute"} {
			want := []string{}
			for _, one := range w.writers {
				for _, th := range one.things {
					if th.home == home && th.kind.name == kind && th.there() {
						want = append(want, th.name)
					}
				}
			}
			slices.Sort(want)
			got := slices.DeleteFunc(sorted(c.names(t, home.path()+"/"+collection)), func(name string) bool { return strings.HasPrefix(name, "workspace") })
			if !slices.Equal(got, want) {
				t.Errorf("%s lists the %s %v, want %v", home.tail, collection, got, want)
			}
		}
	}
}

// judgeRows compares what stands in the store with what was acknowledged, behind the back of the program. What the API showed before is certain now.
func (w *world) judgeRows(t *testing.T, r *rows) {
	t.Helper()
	r.sound(t)
	tree := r.tree(t)
	for _, one := range w.places() {
		n, there := tree[strings.ToLower(one.path())]
		if !there {
			t.Errorf("the store has no %s", one.path())
		} else if got := text(public(t, n.body), "properties.workspaceId"); got != one.guid {
			t.Errorf("the store holds the guid %s for %s, was %s", got, one.tail, one.guid)
		}
	}
	tops := 0
	for path := range tree {
		if strings.Count(path, "/") == 8 && (strings.Contains(path, strings.ToLower(workspaceType)) || strings.Contains(path, strings.ToLower(accountType))) {
			tops++
		}
	}
	if want := len(w.places()); tops != want {
		t.Errorf("the store holds %d workspaces and accounts, want %d", tops, want)
	}
	bound := map[string]map[string]any{}
	r.list(t, `SELECT lower(scope || '/providers/' || type || '/' || name), body FROM {extension}`, func(lines *sql.Rows) error {
		var path string
		var body []byte
		err := lines.Scan(&path, &body)
		bound[path] = public(t, body)
		return err
	})
	for _, one := range w.writers {
		for _, th := range one.things {
			var doc map[string]any
			if th.extension {
				doc = bound[strings.ToLower(th.path())]
			} else if n, there := tree[strings.ToLower(th.path())]; there {
				doc = public(t, n.body)
			}
			th.seen(t, "the store", doc)
		}
	}
}
