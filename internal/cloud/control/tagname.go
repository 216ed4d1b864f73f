package control

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// tagUse is how often a name, or one of its values, is used.
type tagUse struct {
	text   string
	count  int
	values map[string]*tagUse // of a name, by value
}

// tagUses are the names in use, by lower-case name: names do not differ by case, values do.
type tagUses map[string]*tagUse

// add counts the tags of one document.
func (u tagUses) add(tags map[string]any) {
	for name, value := range tags {
		key := strings.ToLower(name)
		if u[key] == nil {
			u[key] = &tagUse{text: name, values: map[string]*tagUse{}}
		}
		text, _ := value.(string)
		if u[key].values[text] == nil {
			u[key].values[text] = &tagUse{text: text}
		}
		u[key].count++
		u[key].values[text].count++
	}
}

// sorted returns uses in the order of their texts.
func sorted(uses map[string]*tagUse) []*tagUse {
	list := make([]*tagUse, 0, len(uses))
	for _, use := range uses {
		list = append(list, use)
	}
	slices.SortFunc(list, func(a, b *tagUse) int { return cmp.Compare(a.text, b.text) })
	return list
}

// listTagNames sums up the tags of a subscription, its groups and its resources. Names that are predefined without being used are not built.
func (e *Engine) listTagNames(ctx context.Context, req *Request) (Response, error) {
	var uses tagUses
	err := e.View(ctx, func(r store.Reader, st *State) error {
		uses = tagUses{}
		if err := st.Admit(req, "Microsoft.Resources/subscriptions/tagNames/read", req.Target.ID); err != nil {
			return err
		}
		subscription, err := e.Tree.Resolve(ctx, r, req.Target.ID)
		if err != nil {
			return Explain(err, req.Target.ID)
		}
		count := func(found tree.Found) error {
			doc, err := e.document(ctx, r, found)
			if err == nil {
				uses.add(tree.Object(doc.Public, "tags"))
			}
			return err
		}
		if err := count(subscription); err != nil {
			return err
		}
		return e.Tree.Children(ctx, r, subscription, arm.ResourceGroups, func(group tree.Found) (bool, error) {
			if err := count(group); err != nil {
				return false, err
			}
			return true, e.Tree.Children(ctx, r, group, "", func(found tree.Found) (bool, error) {
				if entry, err := e.Types.Find(arm.Type(found.Node.Type)); err != nil || !entry.Tracked {
					return true, nil
				}
				return true, count(found)
			})
		})
	})
	if err != nil {
		return Response{}, err
	}
	items := []any{}
	for _, name := range sorted(uses) {
		items = append(items, name.document(req.Target.ID.String()+"/tagNames/"+name.text))
	}
	body, err := json.Marshal(map[string]any{"value": items})
	return Response{Status: http.StatusOK, Body: body}, err
}

// document renders the use of a name as clients read it.
func (u *tagUse) document(id string) map[string]any {
	total := func(n int) map[string]any { return map[string]any{"type": "Total", "value": n} }
	values := []any{}
	for _, value := range sorted(u.values) {
		values = append(values, map[string]any{"id": id + "/tagValues/" + value.text, "tagValue": value.text, "count": total(value.count)})
	}
	return map[string]any{"id": id, "tagName": u.text, "count": total(u.count), "values": values}
}
