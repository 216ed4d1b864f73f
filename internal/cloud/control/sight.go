package control

import (
	"context"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// sight is what of a list its caller sees. The zero value sees everything: who may read at the scope of a list is asked nothing about what is in it.
type sight struct {
	st        *State
	principal string
}

// admitList is Admit for the lists of groups and resources at a subscription or a group. Who may not read there but has a role somewhere below sees what that role lets them read:
// ARM answers such lists, and leaves out the rest.
func (st *State) admitList(req *Request, action string) (sight, error) {
	refused := st.Admit(req, action, req.Target.ID)
	if errs.Is(refused, errs.Denied) && st.grants.Below(req.Caller.ObjectID, req.Target.ID.String()) {
		return sight{st, req.Caller.ObjectID}, nil
	}
	return sight{}, refused
}

// admitChildren is admitList for a list of one type. What is inside a resource is read by who may read it there.
func (st *State) admitChildren(req *Request, entry *provider.Type) (sight, error) {
	action := string(entry.Name) + "/read"
	if entry.Depth() > 1 {
		return sight{}, st.Admit(req, action, req.Target.ID)
	}
	return st.admitList(req, action)
}

// keeper has a list show only what its caller sees.
func (s sight) keeper(entry *provider.Type, keep keeper) keeper {
	if !s.limited() {
		return keep
	}
	return func(ctx context.Context, r store.Reader, parent tree.Found, node store.Node) (bool, error) {
		if !s.sees(string(entry.Name)+"/read", parent, node) {
			return false, nil
		}
		return keep(ctx, r, parent, node)
	}
}

// limited reports whether there may be something that the caller does not see.
func (s sight) limited() bool { return s.st != nil }

// sees reports whether the caller may do an action, that of reading it, on something in the list.
func (s sight) sees(action string, parent tree.Found, node store.Node) bool {
	return !s.limited() || s.st.Allowed(s.principal, action, childOf(parent, node).ID())
}

// enters reports whether there can be something in a group that the caller sees.
func (s sight) enters(group tree.Found) bool {
	return !s.limited() || s.st.grants.Around(s.principal, group.ID().String())
}
