package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/amlmove/amlmove/internal/errs"
)

// problems collects everything that is wrong with a document, so that the client hears of all of it at once.
type problems struct{ found []*errs.Error }

// add records one problem; target is a JSON path, or the id it is about.
func (p *problems) add(code, target, format string, args ...any) {
	p.found = append(p.found, errs.New(errs.Invalid, code, format, args...).At(target))
}

// err is nil when nothing was found. Otherwise the error carries the code of the first problem and each problem as a detail.
func (p *problems) err(subject string) error {
	if len(p.found) == 0 {
		return nil
	}
	said := make([]string, len(p.found))
	for i, e := range p.found {
		said[i] = e.Message
		if e.Target != "" {
			said[i] = fmt.Sprintf("%s: %s", e.Target, e.Message)
		}
	}
	top := errs.New(errs.Invalid, p.found[0].Code, "%s is invalid: %s.", subject, strings.Join(said, "; "))
	return top.At(p.found[0].Target).With(p.found...)
}

// decode reads a request body into a wire struct. encoding/json already compares the names of fields without case.
func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return errs.New(errs.Invalid, "InvalidRequestContent",
			"The request content was invalid and could not be deserialized: '%s'.", err)
	}
	return nil
}

// encode writes JSON as ARM does: without escaping <, > and &.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil { // only documents that came from JSON get here
		return []byte("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// byTarget puts problems that were found while walking over a map into a stable order.
func byTarget(a, b *errs.Error) int { return strings.Compare(a.Target, b.Target) }
