package storetest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

var extensionChecks = []check{
	{"an extension comes back as it went in", extensionRoundTrip},
	{"a put replaces by scope, type and name without regard to case", extensionReplace},
	{"a range ends at the borders of segments", extensionBorders},
	{"pages of extensions lose and repeat nothing", extensionPaging},
	{"drop removes what a range chooses", extensionDrop},
	{"an extension is held whether it is there or not", extensionHold},
	{"scopes that are no paths are refused", extensionScopes},
}

// bound makes an extension.
func bound(scope, typ, name string) store.Extension {
	return store.Extension{Scope: scope, Type: typ, Name: name, ETag: "1", Body: []byte("{}"), Created: base, Changed: base}
}

func (c *cloud) put(t *testing.T, scope, typ, name string) {
	t.Helper()
	c.update(t, func(tx store.Tx) error { return tx.PutExtension(c.ctx, bound(scope, typ, name)) })
}

// list reads a range as "scope|type|name" words.
func (c *cloud) list(t *testing.T, page store.ExtensionRange) []string {
	t.Helper()
	var all []string
	c.view(t, func(r store.Reader) error {
		found, err := r.Extensions(c.ctx, page)
		for _, e := range found {
			all = append(all, e.Scope+"|"+e.Type+"|"+e.Name)
		}
		return err
	})
	return all
}

func extensionRoundTrip(t *testing.T, c *cloud) {
	in := store.Extension{Scope: "/Subscriptions/A/x", Type: "Microsoft.Authorization/Locks", Name: "Löck", ETag: `"e"`,
		Body: []byte("\x00\xff"), Created: base.Add(time.Nanosecond), Changed: base.Add(time.Second)}
	c.update(t, func(tx store.Tx) error { return tx.PutExtension(c.ctx, in) })
	in.Created = base
	c.view(t, func(r store.Reader) error {
		out, err := r.Extension(c.ctx, "/SUBSCRIPTIONS/a/X", "microsoft.authorization/locks", "lÖCK")
		if !reflect.DeepEqual(in, out) {
			t.Errorf("got  %+v\nwant %+v", out, in)
		}
		_, missing := r.Extension(c.ctx, "/Subscriptions/A", in.Type, in.Name)
		wantKind(t, "extension of the scope above", missing, errs.NotFound, "ExtensionNotFound")
		return err
	})
}

func extensionReplace(t *testing.T, c *cloud) {
	c.put(t, "/a", "ns/locks", "l")
	again := bound("/A", "NS/Locks", "L")
	again.Body = []byte("new")
	c.update(t, func(tx store.Tx) error { return tx.PutExtension(c.ctx, again) })
	want(t, "extensions", c.stats(t).Extensions, 1)
	c.view(t, func(r store.Reader) error {
		out, err := r.Extension(c.ctx, "/a", "ns/locks", "l")
		if !reflect.DeepEqual(out, again) {
			t.Errorf("got  %+v\nwant %+v", out, again)
		}
		return err
	})
}

func extensionBorders(t *testing.T, c *cloud) {
	for _, scope := range []string{"/a/b/d", "/a/bc", "/a/b-c", "/a/b", "/A/B/C", "/a/b.c", "/a", "/a/b0", "/", "/ä/x", "/a/b/c/e"} {
		c.put(t, scope, "ns/locks", "l")
		c.put(t, scope, "ns/roles", "r")
	}
	scopes := func(page store.ExtensionRange) string {
		page.Limit = 100
		var all []string
		for _, word := range c.list(t, page) {
			all = append(all, strings.ToLower(word[:strings.Index(word, "|")]))
		}
		return strings.Join(all, " ")
	}
	locks := store.ExtensionRange{Scope: "/A/b", Type: "NS/locks"}
	wantText(t, "at the scope", scopes(locks), "/a/b")
	locks.Below = true
	wantText(t, "at and below the scope", scopes(locks), "/a/b /a/b/c /a/b/c/e /a/b/d")
	wantText(t, "at the tenant", scopes(store.ExtensionRange{Scope: "/", Type: "ns/locks"}), "/")
	wantText(t, "at and below the tenant", scopes(store.ExtensionRange{Scope: "/", Type: "ns/locks", Below: true}),
		"/ /a /a/b /a/b-c /a/b.c /a/b/c /a/b/c/e /a/b/d /a/b0 /a/bc /ä/x")
	wantText(t, "all types", scopes(store.ExtensionRange{Scope: "/a/b/c", Below: true}), "/a/b/c /a/b/c /a/b/c/e /a/b/c/e")
	wantText(t, "nothing there", scopes(store.ExtensionRange{Scope: "/nothing", Below: true}), "")
	wantText(t, "no such type", scopes(store.ExtensionRange{Scope: "/", Type: "ns/none", Below: true}), "")
}

func extensionPaging(t *testing.T, c *cloud) {
	for _, scope := range []string{"/", "/s", "/s/g", "/s/g/w", "/s/g-1", "/s/g0", "/t"} {
		c.update(t, func(tx store.Tx) error {
			for i := range 5 {
				for _, typ := range []string{"ns/a", "NS/b"} {
					if err := tx.PutExtension(c.ctx, bound(scope, typ, fmt.Sprintf("N%d", i))); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	for _, whole := range []store.ExtensionRange{
		{Scope: "/", Below: true}, {Scope: "/s", Below: true}, {Scope: "/s/g", Below: true, Type: "ns/B"},
		{Scope: "/", Below: true, Type: "ns/a"}, {Scope: "/s/g"}, {Scope: "/s/g", Type: "ns/a"},
	} {
		whole.Limit = 1000
		all := strings.Join(c.list(t, whole), "\n")
		for _, size := range []int{1, 3, 7} {
			page, paged := whole, []string(nil)
			for page.Limit = size; ; {
				got := c.list(t, page)
				if len(got) == 0 || len(paged) > 100 {
					break
				}
				paged = append(paged, got...)
				last := strings.Split(got[len(got)-1], "|")
				page.AfterScope, page.AfterType, page.AfterName = last[0], last[1], last[2]
				if whole.Type != "" {
					page.AfterType = "" // does not matter within one type
				}
			}
			wantText(t, fmt.Sprintf("%+v in pages of %d", whole, size), strings.Join(paged, "\n"), all)
		}
	}
	at := c.list(t, store.ExtensionRange{Scope: "/s", Type: "ns/a", AfterName: "n2", Limit: 9})
	wantText(t, "position at a single scope", strings.Join(at, " "), "/s|ns/a|N3 /s|ns/a|N4")
	between := c.list(t, store.ExtensionRange{Scope: "/s/g", Type: "ns/a", Below: true, AfterScope: "/s/g/a", AfterName: "x", Limit: 1})
	wantText(t, "position that is not there", strings.Join(between, " "), "/s/g/w|ns/a|N0")
}

func extensionDrop(t *testing.T, c *cloud) {
	fill := func() {
		for _, scope := range []string{"/", "/a", "/a/b", "/a/b/c", "/a/bc", "/a/b-c"} {
			for _, typ := range []string{"ns/locks", "ns/roles"} {
				c.put(t, scope, typ, "one")
				c.put(t, scope, typ, "two")
			}
		}
	}
	for _, try := range []struct {
		what string
		r    store.ExtensionRange
		name string
		want int64
	}{
		{"one", store.ExtensionRange{Scope: "/A/b", Type: "NS/locks"}, "ONE", 1},
		{"a type at a scope", store.ExtensionRange{Scope: "/a/b", Type: "ns/locks"}, "", 2},
		{"all at a scope", store.ExtensionRange{Scope: "/a/b"}, "", 4},
		{"a name at a scope", store.ExtensionRange{Scope: "/a/b"}, "two", 2},
		{"all below", store.ExtensionRange{Scope: "/a/b", Below: true}, "", 8},
		{"a type below", store.ExtensionRange{Scope: "/a/b", Below: true, Type: "ns/roles"}, "", 4},
		{"a name below", store.ExtensionRange{Scope: "/a", Below: true}, "one", 10},
		{"a name of a type below", store.ExtensionRange{Scope: "/a", Below: true, Type: "ns/roles"}, "one", 5},
		{"everything", store.ExtensionRange{Scope: "/", Below: true}, "", 24},
		{"limit and position do not matter", store.ExtensionRange{Scope: "/", Below: true, Limit: 1, AfterScope: "/x"}, "", 24},
		{"nothing there", store.ExtensionRange{Scope: "/zz", Below: true}, "", 0},
	} {
		fill()
		c.update(t, func(tx store.Tx) error {
			dropped, err := tx.DropExtensions(c.ctx, try.r, try.name)
			want(t, try.what, dropped, try.want)
			return err
		})
		want(t, "left behind "+try.what, c.stats(t).Extensions, 24-try.want)
	}
}

func extensionScopes(t *testing.T, c *cloud) {
	for _, scope := range []string{"", "a", "/a/", "//"} {
		err := c.Update(c.ctx, func(tx store.Tx) error { return tx.PutExtension(c.ctx, bound(scope, "t", "n")) })
		wantKind(t, "put at "+scope, err, errs.Invalid, "")
		err = c.View(c.ctx, func(r store.Reader) error {
			_, err := r.Extensions(c.ctx, store.ExtensionRange{Scope: scope, Limit: 1})
			return err
		})
		wantKind(t, "range at "+scope, err, errs.Invalid, "")
	}
}

func extensionHold(t *testing.T, c *cloud) {
	c.update(t, func(tx store.Tx) error {
		_, missing := tx.HoldExtension(c.ctx, "/a", "x/y", "n")
		wantKind(t, "hold of what is not there", missing, errs.NotFound, "ExtensionNotFound")
		if err := tx.PutExtension(c.ctx, bound("/A", "X/Y", "N")); err != nil {
			return err
		}
		held, err := tx.HoldExtension(c.ctx, "/a", "x/y", "n")
		wantText(t, "scope of what is held", held.Scope, "/A")
		return err
	})
	c.update(t, func(tx store.Tx) error {
		held, err := tx.HoldExtension(c.ctx, "/A", "x/Y", "n")
		if !reflect.DeepEqual(held, bound("/A", "X/Y", "N")) {
			t.Errorf("held %+v", held)
		}
		return err
	})
}
