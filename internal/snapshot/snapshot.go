// Package snapshot is a workspace written down: every document of it and of what surrounds it at both ends, raw as ARM returned it, in one SQLite file that
// works offline, with a digest of each document and of the whole; and the difference of two such files.
//
// A file is written under another name and takes its own when it is whole: what can be opened is complete. It knows no rules, no network and no
// workspace; it stands on arm and errs.
package snapshot

import (
	"encoding/json"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
)

// Section says where a document belongs.
type Section string

// The sections of a snapshot. One document may stand in several: a policy definition of the tenant, for example.
const (
	Content Section = "content" // the workspace itself and all below it
	Source  Section = "source"  // what surrounds it where it is
	Target  Section = "target"  // what surrounds it where it shall go
)

// Document is one document as ARM returned it.
type Document struct {
	Section Section
	ID      string   // its id, or path#name of a document without an id of its own (a quota, a VM size)
	Type    arm.Type // its full resource type, as the reader of the snapshot asks for it
	Version string   // api-version with which it was read
	Taken   time.Time
	Digest  [32]byte // of what does not change by itself (Digest); filled in by the writer
	Body    json.RawMessage
}

// Gap is something that could not be read.
type Gap struct {
	Section Section `json:"section"`
	Path    string  `json:"path"`
	Status  int     `json:"status"` // HTTP
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Why     string  `json:"why"` // why it matters
}

// Note is something that the reader of a snapshot should know besides its documents: a kind of content that this program does not know.
type Note struct {
	Code    string `json:"code"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// Codes of notes.
const (
	UnknownKind      = "UnknownKind"      // the provider offers a child type of workspaces that this program does not know
	KindNotOffered   = "KindNotOffered"   // a kind that this program knows is not offered there
	NotListed        = "NotListed"        // ARM has no list of it: a person must look
	DocumentsSkipped = "DocumentsSkipped" // looked at and left out, with their number
)

// Header says what a snapshot is of.
type Header struct {
	Format      int       `json:"format"`
	WorkspaceID string    `json:"workspaceId"` // resource id
	TargetID    string    `json:"targetId"`    // resource group or subscription; empty if none was named
	Endpoint    string    `json:"endpoint"`
	TenantID    string    `json:"tenantId"`
	Who         string    `json:"who"`
	ObjectID    string    `json:"objectId"`
	Tool        string    `json:"tool"`
	Begun       time.Time `json:"begun"`
	Ended       time.Time `json:"ended"`
	Complete    bool      `json:"complete"`
	Documents   int       `json:"documents"`
	Digest      string    `json:"digest"` // of all documents
}

// Format is the version of the file that this program writes.
const Format = 1

// applicationID marks our files ("AMLs").
const applicationID = 0x414d4c73
