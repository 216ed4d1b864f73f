package azure

import (
	"context"
	"encoding/json"
	"hash/maphash"
	"net/http"

	"github.com/amlmove/amlmove/internal/errs"
)

// List reads a collection page by page, to the end, and visits each document. A visit may keep what it is given.
func (c *Client) List(ctx context.Context, path, version string, visit func(json.RawMessage) error) error {
	seen := map[uint64]bool{}
	seed := maphash.MakeSeed()
	for next := path; next != ""; {
		// A service that hands out the same link again would keep us reading for ever.
		mark := maphash.String(seed, next)
		if seen[mark] {
			return errs.New(errs.Unavailable, "PagingLoop", "the list %s leads back to a page that was read already: %s", path, next).
				Advise("try again; if it stays so, the service is at fault")
		}
		seen[mark] = true
		answer, err := c.Do(ctx, http.MethodGet, next, version, nil)
		if err != nil {
			return err
		}
		var page struct {
			Value    json.RawMessage `json:"value"`
			NextLink string          `json:"nextLink"`
		}
		if err := json.Unmarshal(answer.Body, &page); err != nil {
			return errs.Wrap(errs.Unavailable, "AnswerDamaged", err, "read the list %s", path)
		}
		if page.Value == nil { // an answer that is no list must not look like an empty one
			return errs.New(errs.Unavailable, "AnswerDamaged", "a page of the list %s is none, it has no value: %s", path, next).Advise("try again; if it stays so, the service is at fault")
		}
		var items []json.RawMessage
		if err := json.Unmarshal(page.Value, &items); err != nil {
			return errs.Wrap(errs.Unavailable, "AnswerDamaged", err, "read the list %s", path)
		}
		for _, item := range items {
			if err := visit(item); err != nil {
				return err
			}
		}
		next = page.NextLink
	}
	return nil
}
