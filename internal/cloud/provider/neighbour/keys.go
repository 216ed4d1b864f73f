package neighbour

import (
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// Keyring is a set of access keys that a service makes for a resource. They live in the private part of the document, never in the public one.
type Keyring struct {
	Names []string // of the keys, for example key1 and key2
	Bytes int      // of randomness in each
}

// keysAt is where a keyring lives in the private part.
const keysAt = "keys"

// Make gives a document its keys unless it has them.
func (k Keyring) Make(c *provider.Call) {
	private := Private(c)
	if private[keysAt] != nil {
		return
	}
	ring := map[string]any{}
	for _, name := range k.Names {
		ring[name] = k.fresh(c.Now)
	}
	private[keysAt] = ring
}

func (k Keyring) fresh(now time.Time) map[string]any {
	return map[string]any{"value": provider.NewKey(k.Bytes), "created": now.UTC().Format(time.RFC3339Nano)}
}

// Value returns a key.
func (k Keyring) Value(c *provider.Call, name string) string {
	return tree.Text(c.Doc.Private, keysAt+"."+name+".value")
}

// Created returns when a key was made.
func (k Keyring) Created(c *provider.Call, name string) string {
	return tree.Text(c.Doc.Private, keysAt+"."+name+".created")
}

// Renew replaces one key, named without regard to case. A name that the ring does not have is Invalid.
func (k Keyring) Renew(c *provider.Call, name string) error {
	for _, known := range k.Names {
		if strings.EqualFold(known, name) {
			tree.Set(Private(c), keysAt+"."+known, k.fresh(c.Now))
			c.Changed = true
			return nil
		}
	}
	return errs.New(errs.Invalid, "InvalidKeyName", "The key '%s' does not exist. Keys: %v.", name, k.Names).At("keyName")
}

// Texts returns the values of all keys under the names that an answer gives them: pairs of answer member and key name.
func (k Keyring) Texts(pairs ...string) func(*provider.Call) (any, error) {
	return func(c *provider.Call) (any, error) {
		answer := map[string]any{}
		for i := 0; i+1 < len(pairs); i += 2 {
			answer[pairs[i]] = k.Value(c, pairs[i+1])
		}
		return answer, nil
	}
}
