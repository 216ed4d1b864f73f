package neighbour_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/provider/containerregistry"
	"github.com/amlmove/amlmove/internal/cloud/provider/identityresource"
	"github.com/amlmove/amlmove/internal/cloud/provider/insights"
	"github.com/amlmove/amlmove/internal/cloud/provider/keyvault"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/provider/storage"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// specs is where Azure's published descriptions lie on the machines of the project. They are no part of it: without them the test is skipped.
const specs = "/work/shared/data/specs/specification"

// swagger is the part of a description that names examples.
type swagger struct {
	Paths map[string]map[string]struct {
		Examples map[string]struct {
			Ref string `json:"$ref"`
		} `json:"x-ms-examples"`
	} `json:"paths"`
}

// example is one request with its possible answers.
type example struct {
	Parameters map[string]any `json:"parameters"`
	Responses  map[string]struct {
		Body map[string]any `json:"body"`
	} `json:"responses"`
	path, name string
}

// elsewhere are error codes of examples that lean on what a fresh cloud does not have.
// The vault without access policies is refused by the service, as its own description says, whatever the example shows.
var elsewhere = []string{"BadRequest", "FailedIdentityOperation", "PrivateEndpointConnectionNotFound", "ParentResourceNotFound", "NotImplemented", "InvalidResourceType"}

func TestExamplesOfThePublishedDescriptionsAreAccepted(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob(specs + "/*/resource-manager/*/stable/*/*.json")
	if len(files) == 0 {
		t.Skip("no descriptions on this machine")
	}
	put := 0
	for _, file := range files {
		if !slices.ContainsFunc([]string{"Microsoft.Storage/", "Microsoft.KeyVault/", "Microsoft.ContainerRegistry/", "Microsoft.ManagedIdentity/", "Microsoft.Insights/"},
			func(namespace string) bool { return strings.Contains(file, namespace) }) {
			continue
		}
		for _, ex := range examplesOf(t, file) {
			t.Run(ex.name, func(t *testing.T) { put += tryExample(t, ex) })
		}
	}
	if put < 40 {
		t.Errorf("only %d examples were carried out", put)
	}
}

// examplesOf reads the PUT examples of a description.
func examplesOf(t *testing.T, file string) []example {
	t.Helper()
	var description swagger
	readJSON(t, file, &description)
	var all []example
	for _, path := range slices.Sorted(maps.Keys(description.Paths)) {
		for _, name := range slices.Sorted(maps.Keys(description.Paths[path]["put"].Examples)) {
			var ex example
			readJSON(t, filepath.Join(filepath.Dir(file), description.Paths[path]["put"].Examples[name].Ref), &ex)
			ex.path, ex.name = path, filepath.Base(description.Paths[path]["put"].Examples[name].Ref)
			all = append(all, ex)
		}
	}
	return all
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(data), "\ufeff")), into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// tryExample sends the request of an example to a fresh cloud and holds the answer against the example's; it returns 1 if it was carried out.
func tryExample(t *testing.T, ex example) int {
	path := ex.path
	var body any
	for name, value := range ex.Parameters {
		text, isText := value.(string)
		if _, isBody := value.(map[string]any); isBody {
			body = value
		}
		if isText {
			path = strings.ReplaceAll(path, "{"+name+"}", text)
		}
	}
	parts := strings.SplitN(path, "/providers/", 2)
	if body == nil || len(parts) != 2 || strings.Contains(parts[1], "{") {
		return 0
	}
	c := neighbourtest.New(t, neighbour.Types(), storage.Types(), keyvault.Types(), containerregistry.Types(), insights.Types(), identityresource.Types())
	path = neighbourtest.Group + "/providers/" + parts[1]
	makeParents(c, path)
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Try(http.MethodPut, path, string(text))
	if err != nil {
		if e := errs.As(err); e != nil && slices.Contains(elsewhere, e.Code) {
			t.Logf("left out: %v", e)
			return 0
		}
		t.Errorf("%s: %v", path, err)
		return 0
	}
	if _, ok := ex.Responses[strconv.Itoa(resp.Status)]; !ok {
		t.Errorf("%s: got %d, want one of %v", path, resp.Status, slices.Sorted(maps.Keys(ex.Responses)))
	}
	c.Settle()
	compare(t, ex, c.Get(path))
	return 1
}

// makeParents makes what stands above the resource of an example.
func makeParents(c *neighbourtest.Cloud, path string) {
	bodies := map[string]string{
		"storageaccounts": `{"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"}}`,
		"vaults":          `{"location":"westeurope","properties":{"tenantId":"t","sku":{"family":"A","name":"standard"},"enableRbacAuthorization":true}}`,
		"registries":      `{"location":"westeurope","sku":{"name":"Premium"}}`, "userassignedidentities": `{"location":"westeurope"}`,
	}
	parts := strings.Split(path, "/")
	if len(parts) > 9 {
		if body := bodies[strings.ToLower(parts[7])]; body != "" {
			c.Put(strings.Join(parts[:9], "/"), body)
		}
	}
}

// compare says which members of an example's answer are missing in ours, or are of another sort: a client that reads the one must be able to read the other.
func compare(t *testing.T, ex example, got map[string]any) {
	t.Helper()
	for code, response := range ex.Responses {
		want, _ := response.Body["properties"].(map[string]any)
		have := tree.Object(got, "properties")
		for name, value := range want {
			switch ours := have[name]; {
			case ours == nil && value != nil:
				t.Logf("answer %s: properties.%s is not shown", code, name)
			case ours != nil && value != nil && sort(ours) != sort(value):
				t.Errorf("answer %s: properties.%s is %s, want %s", code, name, sort(ours), sort(value))
			}
		}
	}
}

func sort(value any) string {
	switch value.(type) {
	case json.Number, float64:
		return "a number"
	case string:
		return "a text"
	case bool:
		return "a flag"
	case []any:
		return "a list"
	}
	return "an object"
}
