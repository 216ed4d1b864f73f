package network

import (
	"sort"
	"strings"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// inline is a kind of children that may also be written and is always shown inside the parent's properties. The children's nodes are the only
// truth: the parent's document never holds them. A PUT of the parent that has the list replaces the children by it; one without leaves them.
type inline struct {
	member    string                                                 // in properties, and the children's kind
	judge     func(c *provider.Call, all []child) error              // of all children as they will be; may be nil
	removable func(c *provider.Call, found tree.Found) error         // may a child go? may be nil
	show      func(*provider.Call, tree.Found, map[string]any) error // adds what is computed; may be nil
}

// child is one member of the list.
type child struct {
	name string
	doc  tree.Document
}

func shapeOf(inside []inline) neighbour.Shape {
	shape := neighbour.Shape{}
	for _, in := range inside {
		at := "properties." + in.member
		shape = append(shape, neighbour.Rule{Path: at, Is: neighbour.List}, neighbour.Rule{Path: at + ".*", Is: neighbour.Object, Need: true},
			neighbour.Rule{Path: at + ".*.name", Is: neighbour.Text, Need: true}, neighbour.Rule{Path: at + ".*.properties", Is: neighbour.Object})
	}
	return shape
}

func putAll(c *provider.Call, inside []inline) error {
	for _, in := range inside {
		if err := in.put(c); err != nil {
			return err
		}
	}
	return nil
}

func showAll(c *provider.Call, inside []inline) error {
	for _, in := range inside {
		if err := in.showIn(c); err != nil {
			return err
		}
	}
	return nil
}

// orderAt is where the parent remembers in which order its children were put.
func (in inline) orderAt() string { return "order." + in.member }

// put takes the list out of the document and makes the children what it says.
func (in inline) put(c *provider.Call) error {
	list, given := c.Props()[in.member].([]any)
	delete(c.Props(), in.member)
	if !given {
		return nil
	}
	wanted, order, err := in.read(list)
	if err != nil {
		return err
	}
	if in.judge != nil {
		if err := in.judge(c, wanted); err != nil {
			return err
		}
	}
	neighbour.Private(c)[in.orderAt()] = order
	there := map[string]tree.Found{}
	if c.Old != nil {
		if there, err = in.children(c); err != nil {
			return err
		}
	}
	for _, w := range wanted {
		key := strings.ToLower(w.name)
		found, exists := there[key]
		delete(there, key)
		if !exists {
			if err := c.Spawn(in.member, w.name, w.doc); err != nil {
				return err
			}
			continue
		}
		if err := in.replace(c, found, w.doc); err != nil {
			return err
		}
	}
	return in.remove(c, there)
}

// read makes documents of the members of a list.
func (in inline) read(list []any) ([]child, []any, error) {
	var wanted []child
	order := []any{}
	seen := map[string]bool{}
	for _, item := range list {
		object := tree.Clone(item.(map[string]any)) // judged by shapeOf
		name := tree.Text(object, "name")
		if key := strings.ToLower(name); name == "" || strings.ContainsAny(name, "/ ") || seen[key] {
			return nil, nil, provider.Invalid("InvalidRequestFormat", "The name '%s' in 'properties.%s' is empty, has a blank or a slash, or is there twice.", name, in.member).
				At("properties." + in.member)
		}
		seen[strings.ToLower(name)] = true
		for _, member := range []string{"id", "name", "type", "etag"} {
			delete(object, member)
		}
		tree.Set(object, "properties.provisioningState", "Succeeded")
		wanted = append(wanted, child{name, tree.Document{Public: object, Private: map[string]any{}}})
		order = append(order, strings.ToLower(name))
	}
	return wanted, order, nil
}

// children returns the children by lower-case name.
func (in inline) children(c *provider.Call) (map[string]tree.Found, error) {
	there := map[string]tree.Found{}
	err := c.Children(c.Found, in.member, func(found tree.Found) (bool, error) {
		there[strings.ToLower(found.Node.Name)] = found
		return true, nil
	})
	return there, err
}

// replace writes a child that is there; what it remembers in its private part stays.
func (in inline) replace(c *provider.Call, found tree.Found, doc tree.Document) error {
	if err := provider.NotDeleting(found.Chain); err != nil {
		return err
	}
	before, err := c.Tree.Decode(c.Ctx, c.Read, found)
	if err != nil {
		return err
	}
	if system := before.Public["systemData"]; system != nil {
		doc.Public["systemData"] = system
	}
	doc.Private = before.Private
	return c.SaveOther(found, doc)
}

// remove takes children away that the list does not name.
func (in inline) remove(c *provider.Call, gone map[string]tree.Found) error {
	for _, found := range gone {
		if in.removable != nil {
			if err := in.removable(c, found); err != nil {
				return err
			}
		}
		if err := c.Remove(found); err != nil {
			return err
		}
	}
	return nil
}

// showIn puts the children into the parent's properties, in the order in which they were put; later ones follow by name.
func (in inline) showIn(c *provider.Call) error {
	there, err := in.children(c)
	if err != nil {
		return err
	}
	place := map[string]int{}
	order, _ := c.Doc.Private[in.orderAt()].([]any)
	for i, name := range order {
		if text, ok := name.(string); ok {
			place[text] = i - len(order)
		}
	}
	names := make([]string, 0, len(there))
	for name := range there {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		if a, b := place[names[i]], place[names[j]]; a != b {
			return a < b
		}
		return names[i] < names[j]
	})
	shown := []any{}
	for _, name := range names {
		object, err := neighbour.Rendered(c, there[name])
		if err != nil {
			return err
		}
		object["etag"] = there[name].Node.ETag
		delete(object, "systemData")
		if in.show != nil {
			if err := in.show(c, there[name], object); err != nil {
				return err
			}
		}
		shown = append(shown, object)
	}
	c.Props()[in.member] = shown
	return nil
}
