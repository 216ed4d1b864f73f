// Package verify compares a workspace before and after a move, object by object, from two snapshots: what is missing, what is new, what differs and in which property,
// after ids were rewritten and leaving out what the service writes by itself. It reads files only, and its memory does not grow with the workspace.
//
// It stands on snapshot, rewrite, aml, arm and errs, and knows no plan and no network.
package verify

import "github.com/amlmove/amlmove/internal/aml"

// Verdict sums a comparison up.
type Verdict string

const (
	Clean   Verdict = "clean"       // everything is there and as it should be
	Differs Verdict = "differences" // something is missing, new or different
)

// Row counts one kind of thing before and after.
type Row struct {
	Kind    string `json:"kind"`
	Before  int    `json:"before"`
	After   int    `json:"after"`
	Missing int    `json:"missing,omitempty"`
	Added   int    `json:"added,omitempty"`
	Changed int    `json:"changed,omitempty"`
	Stale   int    `json:"stale,omitempty"` // texts that still name something by its old id, as the service left them
}

// What a Difference is.
const (
	Missing = "missing"
	Added   = "added"
	Changed = "changed"
)

// Difference is one thing that is not as it should be.
type Difference struct {
	Kind   string `json:"kind"`
	What   string `json:"what"`
	Before string `json:"beforeId,omitempty"`
	After  string `json:"afterId,omitempty"` // where it is, or should be
	Path   string `json:"path,omitempty"`    // of the property
	Was    string `json:"was,omitempty"`     // what it should be
	Is     string `json:"is,omitempty"`
}

// Renamed is an address that changed: a scoring URI, the tracking URI.
type Renamed struct {
	Of   string `json:"of"` // resource id after the move
	What string `json:"what"`
	Was  string `json:"was"`
	Is   string `json:"is"`
}

// Result is what a comparison found.
type Result struct {
	Verdict     Verdict      `json:"verdict"`
	WorkspaceID string       `json:"workspaceId"` // the GUID, the same before and after
	Compared    int          `json:"compared"`    // things
	Rows        []Row        `json:"rows"`
	Differences []Difference `json:"differences"`
	Total       int          `json:"total"` // of differences, also those beyond the first that are listed
	Addresses   []Renamed    `json:"addresses"`
	Derived     []Derived    `json:"derived"` // what was not compared, and why
}

// most is how many differences are listed.
const most = 1000

// Derived is a member of documents that is not compared.
type Derived struct {
	Kind string `json:"kind"`
	Path string `json:"path"`
	Why  string `json:"why"`
}

// everywhere are members that no comparison of any kind looks at.
var everywhere = []Derived{
	{"*", "systemData", "who wrote the document last, and when"}, {"*", "etag", "changes with every write"},
	{"*", "identity.principalId", "a thing that was made again has a new identity; the report names it"}, {"*", "identity.tenantId", "comes with the identity"},
	{"*", "properties.provisioningState", "must have succeeded, which is looked at by itself"},
}

// further are members of single kinds that are not compared, besides those that aml calls read-only.
var further = []Derived{
	{"", "properties.privateEndpointConnections", "compared by themselves: the move makes new ones"},
	{"", "properties.mlFlowTrackingUri", "holds the id; listed as an address"},
	{"", "properties.notebookInfo", "the service's own"}, {"", "properties.serviceProvisionedResourceGroup", "the service's own"},
	{"", "properties.privateLinkCount", "follows the connections"}, {"", "properties.discoveryUrl", "the service's own"},
}

// derivedOf are the members of a kind that are not compared.
func derivedOf(kind aml.Kind) []Derived {
	all := append([]Derived{}, everywhere...)
	for _, path := range kind.ReadOnly {
		all = append(all, Derived{kind.Path, path, "the service writes it"})
	}
	for _, d := range further {
		if d.Kind == kind.Path {
			all = append(all, d)
		}
	}
	return all
}
