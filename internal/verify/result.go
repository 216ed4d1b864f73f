// Package verify compares a workspace before and after a move, object by object, from two snapshots: what is missing, what is new, what differs and in which property,
// after ids were rewritten and leaving out what the service writes by itself. It reads files only, and its memory does not grow with the workspace.
//
// It stands on snapshot, rewrite, aml, arm and errs, and knows no plan and no network.
package verify

// Verdict sums a comparison up.
type Verdict string

const (
	Clean   Verdict = "clean"       // everything is there and as it should be
	Differs Verdict = "differences" // something is missing, new or different
	Failed  Verdict = "failed"      // another workspace was looked at, or part of it could not be read: nothing is proven
)

// Row counts one kind of thing before and after.
type Row struct {
	Kind      string `json:"kind"`
	Before    int    `json:"before"`
	After     int    `json:"after"`
	Missing   int    `json:"missing,omitempty"`
	Added     int    `json:"added,omitempty"`
	Changed   int    `json:"changed,omitempty"`
	Announced int    `json:"announced,omitempty"` // missing or changed as the plan said: a job that was ended, a service that was removed
	Extra     int    `json:"extra,omitempty"`     // new, and no difference
	Stale     int    `json:"stale,omitempty"`     // texts that still name something by its old id, as the service left them
}

// What a Difference is.
const (
	Missing = "missing" // it was there and is not
	Added   = "added"   // it was not there and is
	Changed = "changed" // a property of it is not as it should be
	Counted = "counted" // there were fewer before the move than the plan counted (pain 39)
	Unread  = "unread"  // it could be read before, and not after: whether it is there is not known
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

// Pair is one thing by its ids before and after.
type Pair struct {
	Was string `json:"was"`
	Is  string `json:"is"`
}

// Mention is a place in which the service left old ids: no difference, and good to know for who reads them.
type Mention struct {
	Kind    string `json:"kind"`
	Path    string `json:"path"` // of the property; [*] stands for every item of a list
	Count   int    `json:"count"`
	Example string `json:"example"` // id, after the move, of a document that has one
}

// Result is what a comparison found.
type Result struct {
	Verdict     Verdict      `json:"verdict"`
	WorkspaceID string       `json:"workspaceId"` // the GUID, the same before and after unless the verdict is Failed
	Compared    int          `json:"compared"`    // things
	Renamed     int          `json:"renamed"`     // things whose id is another
	Rows        []Row        `json:"rows"`
	Differences []Difference `json:"differences"`
	Total       int          `json:"total"` // of differences, also those beyond the first that are listed
	Extra       []Difference `json:"extra"` // what was bound to what moved meanwhile: roles, locks and diagnostic settings. Nothing is lost by it
	Addresses   []Renamed    `json:"addresses"`
	Mentions    []Mention    `json:"staleMentions"`
	Roles       []Pair       `json:"roleAssignments"` // that were given again under another name
	Rights      []Right      `json:"rights"`
	NotCompared []Gap        `json:"notCompared"` // what could not be read, or is not known to this program (pain 41)
	Derived     []Derived    `json:"derived"`     // what was not compared, and why
}

// most is how many differences, and how many places with old ids, are listed.
const most = 1000
