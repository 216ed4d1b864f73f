package ml

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// judge says whether a list shows a document.
type judge func(name string, doc map[string]any) bool

// asks are what the lists of a kind can be asked for, by query parameter; nil for what chooses nothing: an order, an offset. How many is asked of all lists alike, and archived documents by control.
type asks map[string]func(text string) (judge, error)

// ordered are the parameters by which clients ask for an order.
var ordered = []string{"$orderBy", "orderBy"}

// Asks that several kinds have in common.
var (
	orderable   = asks{"$orderBy": nil}
	featureAsks = asks{"tags": pairs("properties.tags"), "name": named, "description": has("properties.description"), "createdBy": is("systemData.createdBy")}
	stagedAsks  = asks{"tags": pairs("properties.tags"), "versionName": named, "version": named, "description": has("properties.description"),
		"createdBy": is("systemData.createdBy"), "stage": is("properties.stage")}
)

// lists are the parameters of the published description, by the path of the kind.
var lists = map[string]asks{
	"batchEndpoints/deployments":  orderable,
	"onlineEndpoints/deployments": orderable,
	"components/versions":         orderable,
	"environments/versions":       orderable,
	// The hash of code is where az and the Python SDK write it: nobody here reads the files.
	"codes/versions": {"$orderBy": nil, "hash": is("properties.properties.hash_sha256"), "hashVersion": is("properties.properties.hash_version")},
	"data/versions":  {"$orderBy": nil, "$tags": pairs("properties.tags")},
	"models/versions": {"$orderBy": nil, "version": named, "description": has("properties.description"), "tags": pairs("properties.tags"),
		"properties": pairs("properties.properties"), "offset": nil, "feed": unbuilt("feed")},
	"datastores":                    {"orderBy": nil, "isDefault": is("properties.isDefault"), "names": among, "searchText": search},
	"connections":                   {"category": is("properties.category"), "target": is("properties.target")},
	"featuresets":                   featureAsks,
	"featuresets/versions":          stagedAsks,
	"featurestoreEntities":          featureAsks,
	"featurestoreEntities/versions": stagedAsks,
	"jobs":                          {"jobType": is("properties.jobType"), "tag": pairs("properties.tags"), "properties": pairs("properties.properties")},
	"onlineEndpoints":               {"orderBy": nil, "name": named, "tags": pairs("tags"), "properties": pairs("properties.properties"), "computeType": servedBy},
	"schedules":                     {"listViewType": enabled},
	"workspaces":                    {"kind": is("kind")},
}

// listedBy makes the Listed of a kind; nil where its lists can be asked for nothing.
func listedBy(path string) func(url.Values) (provider.Listing, error) {
	asked := lists[path]
	if asked == nil {
		return nil
	}
	return func(q url.Values) (listing provider.Listing, err error) {
		var judges []judge
		for parameter, ask := range asked {
			text := parameterOf(q, parameter)
			var judge judge
			switch {
			case slices.Contains(ordered, parameter):
				listing.Order, err = orderOf(text, parameterOf(q, "orderByAsc"))
			case parameter == "offset":
				listing.Skip, err = offsetOf(text)
			default:
				judge, err = ask(text)
			}
			if err != nil {
				return listing, err
			}
			if judge != nil {
				judges = append(judges, judge)
			}
		}
		if len(judges) > 0 {
			listing.Keep = func(name string, doc map[string]any) bool {
				return !slices.ContainsFunc(judges, func(j judge) bool { return !j(name, doc) })
			}
		}
		return listing, nil
	}
}

// is asks for a value at a path.
func is(path string) func(string) (judge, error) {
	return func(text string) (judge, error) {
		return said(text, func(_ string, doc map[string]any) bool {
			value := tree.Text(doc, path)
			if flag, is := tree.Get(doc, path).(bool); is {
				value = map[bool]string{true: "true", false: "false"}[flag]
			}
			return strings.EqualFold(value, text)
		})
	}
}

// has asks for a part of the text at a path.
func has(path string) func(string) (judge, error) {
	return func(text string) (judge, error) {
		return said(text, func(_ string, doc map[string]any) bool { return contains(tree.Text(doc, path), text) })
	}
}

// named asks for one name, search for a part of it, among for one of several.
func named(text string) (judge, error) {
	return said(text, func(name string, _ map[string]any) bool { return strings.EqualFold(name, text) })
}

func search(text string) (judge, error) {
	return said(text, func(name string, _ map[string]any) bool { return contains(name, text) })
}

func among(text string) (judge, error) {
	names := split(text)
	return said(text, func(name string, _ map[string]any) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
	})
}

// pairs asks for members of the object at a path: "name,other=value".
func pairs(path string) func(string) (judge, error) {
	return func(text string) (judge, error) {
		words := split(text)
		return said(text, func(_ string, doc map[string]any) bool {
			return !slices.ContainsFunc(words, func(word string) bool { return !holds(tree.Object(doc, path), word) })
		})
	}
}

// holds reports whether an object has a member, and with what value if one is asked for.
func holds(object map[string]any, word string) bool {
	name, value, valued := strings.Cut(word, "=")
	for key, there := range object {
		if strings.EqualFold(key, name) {
			return !valued || there == value
		}
	}
	return false
}

// servedBy asks for online endpoints by what serves them: one of an attached cluster names it.
func servedBy(text string) (judge, error) {
	switch text = strings.ToLower(text); text {
	case "", "managed", "kubernetes", "azuremlcompute":
		return said(text, func(_ string, doc map[string]any) bool {
			attached := tree.Text(doc, "properties.compute") != ""
			return attached && text == "kubernetes" || !attached && text == "managed"
		})
	}
	return nil, provider.Invalid("InvalidQueryParameter", "The query parameter 'computeType' must be Managed, Kubernetes or AzureMLCompute, not '%s'.", text)
}

// enabled asks for schedules by whether they are; those that are is what the description says when nobody asks.
func enabled(text string) (judge, error) {
	on := func(_ string, doc map[string]any) bool { return tree.Flag(doc, "properties.isEnabled") }
	switch view := strings.ToLower(text); view {
	case "all":
		return nil, nil
	case "", "enabledonly":
		return on, nil
	case "disabledonly":
		return func(name string, doc map[string]any) bool { return !on(name, doc) }, nil
	}
	return nil, provider.Invalid("InvalidQueryParameter", "The query parameter 'listViewType' must be EnabledOnly, DisabledOnly or All for schedules, not '%s'.", text)
}

// unbuilt refuses a parameter that would change the answer.
func unbuilt(parameter string) func(string) (judge, error) {
	return func(text string) (judge, error) {
		if text == "" {
			return nil, nil
		}
		return nil, errs.New(errs.Unsupported, "NotImplemented", "The query parameter '%s' of this list is not built in this cloud.", parameter)
	}
}

// said is no judge where nothing is asked.
func said(text string, j judge) (judge, error) {
	if text == "" {
		return nil, nil
	}
	return j, nil
}

// orders are the ways in which lists can be ordered.
var orders = map[string]func(a, b store.Node) int{
	"createdtime": func(a, b store.Node) int { return a.Created.Compare(b.Created) }, "modifiedtime": func(a, b store.Node) int { return a.Changed.Compare(b.Changed) },
	"name": func(a, b store.Node) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) },
}

// spelled are other words for orders and directions, as the description and clients write them.
var spelled = strings.NewReplacer("createdat", "createdtime", "updatedat", "modifiedtime", "desc", " desc", "asc", " asc")

// orderOf reads an order: "createdtime desc", "CreatedAtDesc", or a word along with orderByAsc, which is false when it is not said.
func orderOf(text, ascending string) (func(a, b store.Node) int, error) {
	words := strings.Fields(spelled.Replace(strings.ToLower(text)))
	if len(words) == 0 {
		return nil, nil
	}
	order, direction := orders[words[0]], "asc"
	switch {
	case len(words) > 1:
		direction = words[1]
	case ascending != "" && !strings.EqualFold(ascending, "true"):
		direction = "desc"
	}
	if order == nil || len(words) > 2 || direction != "asc" && direction != "desc" {
		return nil, provider.Invalid("InvalidQueryParameter", "The order '%s' is not understood: lists are ordered by createdtime, modifiedtime or name, with asc or desc behind it.", text)
	}
	if direction == "desc" {
		return func(a, b store.Node) int { return order(b, a) }, nil
	}
	return order, nil
}

// offsetOf reads how many results are to be left out.
func offsetOf(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, provider.Invalid("InvalidQueryParameter", "The query parameter 'offset' must be a whole number from 0, not '%s'.", text)
	}
	return n, nil
}

func contains(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}

// split reads a comma separated list.
func split(text string) (words []string) {
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// parameterOf reads a query parameter whatever the case of its name; one that is given several times is a list.
func parameterOf(q url.Values, name string) string {
	for key, values := range q {
		if strings.EqualFold(key, name) && len(values) > 0 {
			return strings.Join(values, ",")
		}
	}
	return ""
}
