package rewrite

import (
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
)

// envelope are the members at the top that ARM itself writes.
var envelope = []string{"id", "name", "type", "systemData", "etag"}

// ForPut makes of a document that was read the body of the PUT that makes it again: references rewritten, and without what the service writes itself. The
// document is not changed.
func (m Map) ForPut(kind aml.Kind, doc arm.Document) arm.Document {
	body := doc.Clone()
	for name := range body {
		for _, own := range envelope {
			if strings.EqualFold(name, own) {
				delete(body, name)
			}
		}
	}
	for _, path := range kind.ReadOnly {
		body.Delete(path)
	}
	m.References(kind.Paths(), body)
	Identity(body)
	return body
}

// Identity leaves of an identity what a caller may say: its type, and the ids of user-assigned identities.
func Identity(body arm.Document) {
	identity := body.Object("identity")
	if identity == nil {
		return
	}
	delete(identity, "principalId")
	delete(identity, "tenantId")
	assigned := identity.Object("userAssignedIdentities")
	for id := range assigned {
		assigned[id] = map[string]any{}
	}
}
