package identity

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/amlmove/amlmove/internal/errs"
)

const nameMost = 1024

// careful keeps names that cannot exist from a directory: a database refuses a NUL or broken UTF-8 with an error of
// its own, and what a stranger sends must not look like trouble of ours.
type careful struct{ next Directory }

func (c careful) ByClient(ctx context.Context, clientID string) (Principal, error) {
	return lookUp(ctx, clientID, c.next.ByClient)
}

func (c careful) ByUser(ctx context.Context, userName string) (Principal, error) {
	return lookUp(ctx, userName, c.next.ByUser)
}

func (c careful) ByObject(ctx context.Context, objectID string) (Principal, error) {
	return lookUp(ctx, objectID, c.next.ByObject)
}

func lookUp(ctx context.Context, name string, find func(context.Context, string) (Principal, error)) (Principal, error) {
	if name == "" || len(name) > nameMost || !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
		return Principal{}, errs.New(errs.NotFound, "PrincipalNotFound", "there is no principal of that name")
	}
	return find(ctx, name)
}
