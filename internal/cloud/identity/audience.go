package identity

import (
	"slices"
	"strings"
)

// resourceKind says what a token may be used for.
type resourceKind int

const (
	unknownResource resourceKind = iota
	armResource                  // the control plane
	graphResource                // the directory
	otherResource                // something in Options.Audiences
)

// resource is what a token is asked for: the kind, and the audience as the client wrote it.
type resource struct {
	kind     resourceKind
	audience string
}

// resourceOf recognises an audience. A trailing slash, which az sends and the SDKs do not, is kept in the token and
// means nothing.
func (i *Issuer) resourceOf(audience string) resource {
	name := strings.TrimRight(audience, "/")
	found := resource{kind: i.kindOf(name), audience: name}
	if name != audience {
		found.audience += "/"
	}
	return found
}

// kindOf says what an audience without its trailing slashes stands for: ARM is the base itself.
func (i *Issuer) kindOf(name string) resourceKind {
	base := i.base()
	switch {
	case strings.EqualFold(name, base):
		return armResource
	case len(name) == len(base)+len("/graph") && strings.EqualFold(name, base+"/graph"):
		return graphResource
	case slices.ContainsFunc(i.opts.Audiences, func(a string) bool { return strings.EqualFold(strings.TrimRight(a, "/"), name) }):
		return otherResource
	}
	return unknownResource
}

// scope is what a v2 token request asks for.
type scope struct {
	text         string // as asked, to be echoed: az refreshes on every command when it is not
	resource     resource
	named        bool // a resource is in the scope
	application  bool // every resource entry ends in /.default, as an application must ask
	openID       bool
	offlineToken bool
}

// parseScope reads a scope such as "https://host//.default openid offline_access profile". What stands before the
// last slash is the resource; it may be only one.
func (i *Issuer) parseScope(text string) (scope, error) {
	asked := scope{text: text, application: true}
	for entry := range strings.FieldsSeq(text) {
		switch strings.ToLower(entry) {
		case "openid", "profile", "email":
			asked.openID = true
			continue
		case "offline_access":
			asked.offlineToken = true
			continue
		}
		cut := strings.LastIndexByte(entry, '/')
		if cut <= 0 || cut == len(entry)-1 {
			return scope{}, refuse(badScope, "The provided value for the input parameter 'scope' is not valid. The entry %s names no resource.", shown(entry))
		}
		found := i.resourceOf(entry[:cut])
		if found.kind == unknownResource {
			return scope{}, refuse(unknownAudience, "The resource principal named %s was not found.", shown(entry[:cut]))
		}
		if asked.named && found.kind != asked.resource.kind {
			return scope{}, refuse(badScope, "The provided value for the input parameter 'scope' is not valid. It asks for more than one resource.")
		}
		if !asked.named {
			asked.resource, asked.named = found, true
		}
		asked.application = asked.application && strings.EqualFold(entry[cut+1:], ".default")
	}
	return asked, nil
}

// shown makes text from a request fit for a message: short and printable.
func shown(text string) string {
	if len(text) > 200 {
		text = text[:200] + "..."
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}
