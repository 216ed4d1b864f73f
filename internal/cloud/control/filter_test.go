package control

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

func TestFilterKeepsWhatAzAsksFor(t *testing.T) {
	t.Parallel()
	doc := map[string]any{"location": "eastus", "tags": map[string]any{"Team": "vision", "empty": "", "dept": "R and D", "it's and that": "1", "quoted": "say ' and '"}}
	for _, c := range []struct {
		name, text, typ, resource string
		want                      bool
	}{
		{"no filter keeps everything", "", "Microsoft.Storage/storageAccounts", "st1", true},
		{"a type without regard to case", "resourceType eq 'microsoft.storage/STORAGEACCOUNTS'", "Microsoft.Storage/storageAccounts", "st1", true},
		{"another type", "resourceType eq 'Microsoft.KeyVault/vaults'", "Microsoft.Storage/storageAccounts", "st1", false},
		{"not a type", "resourceType ne 'Microsoft.KeyVault/vaults'", "Microsoft.Storage/storageAccounts", "st1", true},
		{"type and name", "resourceType eq 'Microsoft.Storage/storageAccounts' and name eq 'ST1'", "Microsoft.Storage/storageAccounts", "st1", true},
		{"part of a name", "substringof('t1', name)", "Microsoft.Storage/storageAccounts", "st1", true},
		{"beginning of a name", "startswith(name, 'xt')", "Microsoft.Storage/storageAccounts", "st1", false},
		{"a tag by name", "tagName eq 'team'", "T/t", "x", true},
		{"a tag by name and value", "tagName eq 'Team' and tagValue eq 'vision'", "T/t", "x", true},
		{"a tag with another value", "tagName eq 'Team' and tagValue eq 'speech'", "T/t", "x", false},
		{"a tag whose value is empty", "tagName eq 'empty' and tagValue eq ''", "T/t", "x", true},
		{"a location", "location eq 'EastUS'", "T/t", "x", true},
		{"a quote inside a text", "name eq 'o''hara'", "T/t", "o'hara", true},
		{"an and inside a text", "tagName eq 'dept' and tagValue eq 'R and D'", "T/t", "x", true},
		{"an and behind a doubled quote", "tagName eq 'it''s and that' AND name eq 'x'", "T/t", "x", true},
		{"a text that ends in a doubled quote", "tagName eq 'quoted' and tagValue eq 'say '' and '''", "T/t", "x", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, err := parseFilter(c.text, resourceFields...)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.quick(arm.Type(c.typ), c.resource) && f.document(doc); got != c.want {
				t.Errorf("%q on %s %s: got %v", c.text, c.typ, c.resource, !c.want)
			}
		})
	}
}

func TestFilterRefusesByName(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"colour eq 'red'", "resourceType eq Microsoft.Storage", "name gt 'a'", "name eq 'a' or name eq 'b'", "(", "resourceGroup ne 'a'",
		"tagValue eq 'a'", "tagName eq 'a' and tagName eq 'b'", "name eq 'a and b", "name eq 'a' and "} {
		if _, err := parseFilter(text, resourceFields...); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), strings.Fields(text)[0]) {
			t.Errorf("%q gave %v", text, err)
		}
		if _, err := parseScopeFilter(text); !errs.Is(err, errs.Invalid) {
			t.Errorf("at a scope %q gave %v", text, err)
		}
	}
	if _, err := parseExpand("createdTime,colour"); !errs.Is(err, errs.Invalid) {
		t.Errorf("an unknown expansion gave %v", err)
	}
}

func TestPagesRefuseForeignTokens(t *testing.T) {
	t.Parallel()
	for _, q := range []string{"$top=0", "$top=-1", "$top=x", "$skiptoken=%%%", "$skiptoken=aGVsbG8", "$skip=12"} {
		values, err := url.ParseQuery(strings.ReplaceAll(q, "%%%", "%25"))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := newPage(values); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q gave %v", q, err)
		}
	}
}

func TestHideMovesSecretsOutOfSight(t *testing.T) {
	t.Parallel()
	doc := tree.Document{Public: object(t, `{"properties":{"credentials":{"secrets":{"key":"canary"},"kind":"AccountKey"},"keys":null,"list":[{"password":"canary","user":"u"}]}}`), Private: map[string]any{}}
	hide(&doc, []string{"properties.credentials.secrets.*", "properties.keys", "properties.list.*.password", "properties.absent.key"})
	public, _ := json.Marshal(doc.Public)
	private, _ := json.Marshal(doc.Private)
	if strings.Contains(string(public), "canary") || strings.Count(string(private), "canary") != 2 {
		t.Errorf("public %s private %s", public, private)
	}
	if !strings.Contains(string(public), `"user":"u"`) || strings.Contains(string(private), "keys") {
		t.Errorf("public %s private %s", public, private)
	}
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	o, err := tree.ParseObject([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func FuzzFilters(f *testing.F) {
	for _, seed := range []string{"resourceType eq 'a/b' and name eq 'x'", "substringof('a', name)", "atScope()", "assignedTo('x')", "principalId eq 'y'", "'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, err := range []error{second(parseFilter(text, resourceFields...)), second(parseScopeFilter(text)), second(parseExpand(text))} {
			if err != nil && !errs.Is(err, errs.Invalid) {
				t.Fatalf("%q gave %v", text, err)
			}
		}
	})
}

// Whatever a value holds, quoted as OData wants it the filter finds exactly that value, and nothing in it is taken for more of the filter.
func FuzzFilterValues(f *testing.F) {
	for _, seed := range []string{"R and D", "o'hara", "' and name eq '", "''", " AND ", "a' and tagName eq 'b"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
		filter, err := parseFilter("tagName eq "+quote(name)+" and tagValue eq "+quote(value)+" and name eq 'x'", resourceFields...)
		if err != nil {
			t.Fatalf("tag %q with the value %q: %v", name, value, err)
		}
		if *filter.tagName != name || *filter.tagValue != value || len(filter.names) != 1 {
			t.Errorf("tag %q with the value %q was read as %q with %q", name, value, *filter.tagName, *filter.tagValue)
		}
		scope, err := parseScopeFilter("atScope() and principalId eq " + quote(value) + " and assignedTo(" + quote(name) + ")")
		if got := scope.conditions["principalId"]; err != nil || !scope.atScope || len(got) != 2 || got[0].value != value || got[1].value != name {
			t.Errorf("at a scope %q and %q were read as %+v: %v", value, name, scope, err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func FuzzHideAndMerge(f *testing.F) {
	f.Add(`{"properties":{"a":{"b":"c"},"l":[{"k":1},2]}}`, `{"properties":{"a":null}}`, "properties.*.b")
	f.Fuzz(func(t *testing.T, document, patch, path string) {
		doc, err := tree.ParseObject([]byte(document))
		if err != nil {
			return
		}
		if p, err := tree.ParseObject([]byte(patch)); err == nil {
			tree.Merge(doc, p)
		}
		hide(&tree.Document{Public: doc, Private: map[string]any{}}, []string{path})
		if _, err := json.Marshal(doc); err != nil {
			t.Fatalf("what is left of %q cannot be written: %v", document, err)
		}
	})
}
