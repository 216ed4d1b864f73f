package snapshot

import (
	"crypto/sha256"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// Digest is the SHA-256 of a document in canonical form: members sorted by name, no white space, numbers as they are written. So the order of members
// does not count; that of lists does.
//
// What changes without anybody changing the resource is left out: systemData.lastModifiedAt, lastModifiedBy and lastModifiedByType, and etag, each only beside an
// "id" or at the top (documents inside documents, as those of networks, have their own). Members of those names elsewhere are content.
func Digest(body []byte) ([32]byte, error) {
	doc, err := decode(body)
	if err != nil {
		return [32]byte{}, err
	}
	strip(doc, true)
	text, err := arm.AppendValue(make([]byte, 0, len(body)+1), doc) // members are sorted
	if err != nil {
		return [32]byte{}, errs.Wrap(errs.Internal, "DigestFailed", err, "write a document in canonical form")
	}
	return sha256.Sum256(append(text, '\n')), nil // digests have always been made with the line end
}

// decode reads any JSON value and keeps numbers as they are written.
func decode(body []byte) (any, error) {
	doc, err := arm.ParseValue(body)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, "DocumentDamaged", err, "a document is no JSON")
	}
	return doc, nil
}

// strip removes what is volatile from a value.
func strip(value any, top bool) {
	switch v := value.(type) {
	case map[string]any:
		if _, document := v["id"]; document || top {
			for name := range v {
				if strings.EqualFold(name, "etag") {
					delete(v, name)
				}
			}
			if system, ok := v["systemData"].(map[string]any); ok {
				for _, name := range []string{"lastModifiedAt", "lastModifiedBy", "lastModifiedByType"} {
					delete(system, name)
				}
			}
		}
		for _, member := range v {
			strip(member, false)
		}
	case []any:
		for _, item := range v {
			strip(item, false)
		}
	}
}
