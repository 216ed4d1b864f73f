package control

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// serviceOwned are the members of a document that a client may send and the service ignores.
var serviceOwned = []string{"id", "name", "type", "systemData", "etag"}

// trim takes away what the service owns, and refuses members that no type could read.
func trim(body map[string]any) error {
	for _, member := range serviceOwned {
		delete(body, member)
	}
	for _, member := range []string{"properties", "sku", "identity", "plan"} {
		switch body[member].(type) {
		case nil:
			delete(body, member)
		case map[string]any:
		default:
			return errs.New(errs.Invalid, "InvalidRequestContent", "The request content was invalid: '%s' must be an object.", member).At(member)
		}
	}
	return nil
}

// stamp fills what ARM fills on every document: systemData and provisioningState.
func (e *Engine) stamp(call *provider.Call, created, async bool) {
	by, kind := principalLabel(call.Caller)
	now := call.Now.Format(time.RFC3339Nano)
	system := map[string]any{}
	if call.Old != nil {
		if old := tree.Object(call.Old.Public, "systemData"); old != nil {
			system = tree.Clone(old)
		}
	}
	if created {
		system["createdAt"], system["createdBy"], system["createdByType"] = now, by, kind
	}
	system["lastModifiedAt"], system["lastModifiedBy"], system["lastModifiedByType"] = now, by, kind
	call.Doc.Public["systemData"] = system
	if !call.Type.Stateful {
		return
	}
	state := "Succeeded"
	if async && created {
		state = "Creating"
	} else if async {
		state = "Updating"
	}
	call.Props()["provisioningState"] = state
}

// principalLabel is how systemData names a caller.
func principalLabel(c identity.Caller) (name, kind string) {
	switch c.Kind {
	case identity.User:
		return c.UserName, "User"
	case identity.ManagedIdentity:
		return c.ObjectID, "ManagedIdentity"
	}
	return c.ClientID, "Application"
}

// checkTags applies ARM's rules for tracked resources: a location on creation, and sane tags.
func checkTags(entry *provider.Type, call *provider.Call) error {
	if entry.Tracked && tree.Text(call.Doc.Public, "location") == "" {
		return errs.New(errs.Invalid, "LocationRequired", "The location property is required for this definition.").At("location")
	}
	tags, there := call.Doc.Public["tags"]
	if !there || tags == nil {
		return nil
	}
	return CheckTags(tags)
}

// CheckTags refuses tags that ARM refuses.
func CheckTags(tags any) error {
	object, ok := tags.(map[string]any)
	if !ok {
		return errs.New(errs.Invalid, "InvalidRequestContent", "The request content was invalid: 'tags' must be an object of strings.").At("tags")
	}
	if len(object) > 50 {
		return errs.New(errs.Invalid, "TooManyTags", "Too many tags on the resource: '%d'. The maximum is 50.", len(object)).At("tags")
	}
	for name, value := range object {
		text, ok := value.(string)
		if !ok && value != nil {
			return errs.New(errs.Invalid, "InvalidTagValue", "The value of the tag '%s' must be a string.", name).At("tags." + name)
		}
		if utf8.RuneCountInString(name) > 512 || utf8.RuneCountInString(text) > 256 || strings.ContainsAny(name, `<>%&\?/`) {
			return errs.New(errs.Invalid, "InvalidTagName", "The tag '%s' has a name over 512 characters, a name with one of <>%%&\\?/, or a value over 256 characters.", name).At("tags." + name)
		}
	}
	return nil
}
