// Package arm holds what Azure Resource Manager is, whoever speaks it: resource ids and request paths, resource types, the error
// body, api-versions. Both wings build on it. It does no I/O and knows nothing of any single resource provider.
package arm

import (
	"strings"

	"github.com/amlmove/amlmove/internal/errs"
)

// Names of the hops that stand above every resource provider.
const (
	Subscriptions  = "subscriptions"
	ResourceGroups = "resourceGroups"
	Providers      = "providers"
)

// Hop is one step of an id: a type and a name. Namespace is set where the path says /providers/Namespace/ before the type.
type Hop struct{ Namespace, Type, Name string }

// same reports whether two hops name the same thing, as their keys would.
func (h Hop) same(other Hop) bool {
	return sameKey(h.Name, other.Name) && sameKey(h.Type, other.Type) && sameKey(h.Namespace, other.Namespace)
}

func sameKey(a, b string) bool {
	if a == b {
		return true
	}
	key := strings.ToLower(a) // not EqualFold: equal are those whose keys are
	return key == strings.ToLower(b)
}

// NodeType is the type of the hop as a single word: Namespace/type at the start of a provider's chain, the bare type segment below.
func (h Hop) NodeType() string {
	if h.Namespace == "" {
		return h.Type
	}
	return h.Namespace + "/" + h.Type
}

// ID is a resource id: a chain of hops from the tenant down. The zero ID is the tenant itself ("/"). Ids keep the caller's casing and
// are compared without it (client-wire 1.5).
type ID []Hop

// String renders the id with the casing of its hops.
func (id ID) String() string {
	if len(id) == 0 {
		return "/"
	}
	var b strings.Builder
	size := 0
	for _, h := range id {
		size += len("/providers/") + len(h.Namespace) + len(h.Type) + len(h.Name) + 2
	}
	b.Grow(size)
	for _, h := range id {
		if h.Namespace != "" {
			b.WriteString("/providers/")
			b.WriteString(h.Namespace)
		}
		b.WriteString("/")
		b.WriteString(h.Type)
		b.WriteString("/")
		b.WriteString(h.Name)
	}
	return b.String()
}

// Key is the id in lower case: equal ids have equal keys.
func (id ID) Key() string { return strings.ToLower(id.String()) }

// Equal reports whether two ids name the same thing.
func (id ID) Equal(other ID) bool {
	if len(id) != len(other) {
		return false
	}
	for i := range id {
		if !id[i].same(other[i]) {
			return false
		}
	}
	return true
}

// Within reports whether the id is at or below a scope.
func (id ID) Within(scope ID) bool { return len(id) >= len(scope) && id[:len(scope)].Equal(scope) }

// Subscription returns the subscription id in the path, or "".
func (id ID) Subscription() string {
	if len(id) > 0 && strings.EqualFold(id[0].Type, Subscriptions) && id[0].Namespace == "" {
		return id[0].Name
	}
	return ""
}

// Group returns the resource group name in the path, or "".
func (id ID) Group() string {
	if len(id) > 1 && id.Subscription() != "" && id[1].Namespace == "" && strings.EqualFold(id[1].Type, ResourceGroups) {
		return id[1].Name
	}
	return ""
}

// GroupID returns the part of the id that names the resource group; nil when there is none.
func (id ID) GroupID() ID {
	if id.Group() == "" {
		return nil
	}
	return id[:2]
}

// SubscriptionID returns the part of the id that names the subscription; nil when there is none.
func (id ID) SubscriptionID() ID {
	if id.Subscription() == "" {
		return nil
	}
	return id[:1]
}

// Name is the name of the last hop; "" for the tenant.
func (id ID) Name() string {
	if len(id) == 0 {
		return ""
	}
	return id[len(id)-1].Name
}

// Parent is the id without its last hop.
func (id ID) Parent() ID {
	if len(id) == 0 {
		return nil
	}
	return id[:len(id)-1]
}

// Child is the id with one hop more. The result shares nothing with id.
func (id ID) Child(h Hop) ID {
	child := make(ID, len(id), len(id)+1)
	copy(child, id)
	return append(child, h)
}

// lastProvider is the index of the hop where the last provider chain begins; -1 when there is none.
func (id ID) lastProvider() int {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i].Namespace != "" {
			return i
		}
	}
	return -1
}

// Scope is what the last provider chain hangs on: the group of a workspace, the resource that a lock is put on.
func (id ID) Scope() ID {
	if at := id.lastProvider(); at >= 0 {
		return id[:at]
	}
	return id.Parent()
}

// Type is the full type of what the id names, for example Microsoft.MachineLearningServices/workspaces/jobs. Subscriptions and
// groups have the types that ARM gives them.
func (id ID) Type() Type {
	at := id.lastProvider()
	if at < 0 {
		switch {
		case len(id) == 1 && id.Subscription() != "":
			return "Microsoft.Resources/subscriptions"
		case len(id) == 2 && id.Group() != "":
			return "Microsoft.Resources/resourceGroups"
		case len(id) == 0:
			return "Microsoft.Resources/tenants"
		}
		return Type("Microsoft.Resources/" + id[len(id)-1].Type)
	}
	parts := []string{id[at].Namespace}
	for _, h := range id[at:] {
		parts = append(parts, h.Type)
	}
	return Type(strings.Join(parts, "/"))
}

// IsExtension reports whether the last provider chain hangs on another resource (a lock on a workspace).
func (id ID) IsExtension() bool {
	at := id.lastProvider()
	return at > 0 && id[:at].lastProvider() >= 0
}

// TopLevel reports whether the id names a resource directly in a resource group.
func (id ID) TopLevel() bool { return len(id) == 3 && id.Group() != "" && id[2].Namespace != "" }

// Root returns the top-level resource that the id is at or below; nil when there is none.
func (id ID) Root() ID {
	if len(id) < 3 || !id[:3].TopLevel() {
		return nil
	}
	return id[:3]
}

// Parse reads a resource id. It refuses a path that ends in a type or an action.
func Parse(path string) (ID, error) {
	target, err := ParseTarget(path)
	if err != nil {
		return nil, err
	}
	if target.Tail != (Hop{}) {
		return nil, errs.New(errs.Invalid, "InvalidResourceId", "the id %q ends in the type or action %q without a name",
			path, target.Tail.NodeType()).At(path)
	}
	return target.ID, nil
}

// Target is what a request path points to: a complete id and what follows it without a name of its own.
type Target struct {
	ID   ID
	Tail Hop // Name is always empty; a collection (GET), an action (POST), or a bare namespace; zero when the path is an id
}

// maxPath bounds the length of a path: ARM refuses longer ones.
const maxPath = 4096

// ParseTarget reads the path of a request. Repeated slashes count as one (client-wire 1.4).
func ParseTarget(path string) (Target, error) {
	if len(path) > maxPath {
		return Target{}, errs.New(errs.Invalid, "InvalidResourceId", "the path is longer than %d characters", maxPath)
	}
	if !strings.HasPrefix(path, "/") {
		return Target{}, errs.New(errs.Invalid, "InvalidResourceId", "the id %q does not begin with a slash", path).At(path)
	}
	segments := make([]string, 0, 16)
	for segment := range strings.SplitSeq(path, "/") {
		if segment != "" {
			segments = append(segments, segment)
		}
	}
	t := Target{ID: make(ID, 0, len(segments)/2)}
	for i := 0; i < len(segments); {
		hop := Hop{}
		if strings.EqualFold(segments[i], Providers) {
			if i+1 == len(segments) {
				t.Tail = Hop{Type: Providers}
				break
			}
			hop.Namespace = segments[i+1]
			i += 2
		}
		if i < len(segments) {
			hop.Type = canonical(segments[i], len(t.ID))
		}
		if i+1 >= len(segments) {
			t.Tail = hop
			break
		}
		hop.Name = segments[i+1]
		i += 2
		t.ID = append(t.ID, hop)
	}
	return t, nil
}

// canonical spells the two hops that ARM itself owns in one way, so that rendered ids are alike.
func canonical(segment string, depth int) string {
	switch {
	case depth == 0 && strings.EqualFold(segment, Subscriptions):
		return Subscriptions
	case depth == 1 && strings.EqualFold(segment, ResourceGroups):
		return ResourceGroups
	}
	return segment
}

// Type is a full resource type: Namespace/type/childtype. Types are compared without regard to case.
type Type string

// Namespace is the part before the first slash.
func (t Type) Namespace() string {
	ns, _, _ := strings.Cut(string(t), "/")
	return ns
}

// Path is the part behind the namespace: workspaces/jobs.
func (t Type) Path() string {
	_, path, _ := strings.Cut(string(t), "/")
	return path
}

// Key is the type in lower case.
func (t Type) Key() string { return strings.ToLower(string(t)) }

// Is reports whether two types are the same.
func (t Type) Is(other Type) bool { return strings.EqualFold(string(t), string(other)) }
