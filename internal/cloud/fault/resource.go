package fault

import (
	"net/http"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// privateEndpoints is the type whose connections privateEndpointStaysPending leaves waiting.
const privateEndpoints arm.Type = "Microsoft.Network/privateEndpoints"

// Instrument wraps the behaviours of a table that faults of resources can strike: the end of long-running PUTs, and the names that are unique in a region
// or everywhere. It must run once, before the cloud answers. A set without such faults costs a look at memory.
func (s *Set) Instrument(types *provider.Table) {
	for _, namespace := range types.Namespaces() {
		_, entries, _ := types.Namespace(namespace)
		for _, entry := range entries {
			if entry.Name.Is(privateEndpoints) {
				entry.Settle = s.leaveWaiting(entry.Settle)
			}
			if entry.AsyncPut {
				s.long = append(s.long, string(entry.Name)+"/write")
				entry.Settle = s.settle(entry.Settle)
			}
			if entry.Unique != provider.BelowParent {
				s.unique = append(s.unique, string(entry.Name)+"/delete")
				entry.Gone, entry.Put = s.gone(entry.Gone), s.put(entry.Put)
			}
		}
	}
}

// reachable refuses a fault of resources that no type of this cloud could ever meet.
func (s *Set) reachable(f Fault) error {
	possible, what := s.long, "a long-running PUT"
	switch f.Kind {
	case NameHeld:
		possible, what = s.unique, "a name that is unique in a region or everywhere"
	case DeploymentFails:
	default:
		return nil
	}
	action := glob(f.Match.Action)
	for _, candidate := range possible {
		if action.MatchString(candidate) {
			return nil
		}
	}
	return invalid(f, "no resource type with %s has an action like %q", what, f.Match.Action)
}

// any reports whether there is a fault of a kind, by what this node knows.
func (s *Set) any(k Kind) bool {
	for _, f := range s.current.Load().armed[resources] {
		if f.Kind == k {
			return true
		}
	}
	return false
}

// aboutResource reports whether a fault matches an action on a resource.
func (f armed) aboutResource(c *provider.Call, verb string) bool {
	return f.Match.covers(c.Caller.ObjectID, c.Caller.ClientID) && (f.path == nil || f.path.MatchString(c.ID.String())) &&
		(f.action == nil || f.action.MatchString(string(c.Type.Name)+verb))
}

// strikeResource counts an action on a resource against the faults of one kind.
func (s *Set) strikeResource(c *provider.Call, k Kind, verb string, remember func(Fault, *kept)) (*Fault, error) {
	if !s.any(k) {
		return nil, nil
	}
	return s.strike(c.Ctx, c.Tx, resources, func(f armed) bool { return f.Kind == k && f.aboutResource(c, verb) }, remember)
}

// settle lets a long-running PUT end in Failed.
func (s *Set) settle(next func(*provider.Call, string) error) func(*provider.Call, string) error {
	return func(c *provider.Call, cause string) error {
		if cause == "put" {
			f, err := s.strikeResource(c, DeploymentFails, "/write", nil)
			if err != nil {
				return err
			}
			if f != nil {
				return provider.Conflict(or(f.Code, "DeploymentFailed"), "%s", or(f.Message, "The provisioning of '"+c.ID.String()+"' failed.")).At(c.ID.String())
			}
		}
		if next != nil {
			return next(c, cause)
		}
		if c.Type.Stateful { // what control does for a type without a Settle of its own
			c.Props()["provisioningState"], c.Changed = "Succeeded", true
		}
		return nil
	}
}

// holdKey names what a resource's name is unique in.
func holdKey(c *provider.Call) string {
	region := ""
	if c.Type.Unique == provider.PerRegion {
		region = provider.Region(c.Location())
	}
	return c.Type.Name.Key() + "|" + region + "|" + strings.ToLower(c.ID.Name())
}

// gone holds the name of a resource that is deleted.
func (s *Set) gone(next func(*provider.Call) error) func(*provider.Call) error {
	return func(c *provider.Call) error {
		_, err := s.strikeResource(c, NameHeld, "/delete", func(f Fault, k *kept) {
			held := map[string]time.Time{holdKey(c): c.Now.Add(time.Duration(f.For))}
			for name, until := range k.Held {
				if _, again := held[name]; !again && until.After(c.Now) {
					held[name] = until
				}
			}
			k.Held = held
		})
		if err != nil || next == nil {
			return err
		}
		return next(c)
	}
}

// put refuses to make a resource whose name is held (peers, pain 26).
func (s *Set) put(next func(*provider.Call) error) func(*provider.Call) error {
	return func(c *provider.Call) error {
		if c.Old == nil && s.any(NameHeld) {
			if err := s.refuseHeld(c); err != nil {
				return err
			}
		}
		if next == nil {
			return nil
		}
		return next(c)
	}
}

func (s *Set) refuseHeld(c *provider.Call) error {
	list, err := read(c.Ctx, c.Read)
	if err != nil {
		return err
	}
	all := state{}
	if err := readJSON(c.Ctx, c.Read, stateKey, &all); err != nil {
		return err
	}
	for _, f := range list.Faults {
		k := all[f.ID]
		if f.Kind != NameHeld || k.Revision != f.Revision || !k.Held[holdKey(c)].After(c.Now) {
			continue
		}
		if f.Status == http.StatusConflict {
			return errs.New(errs.Conflict, or(f.Code, "NameAlreadyExists"), "%s",
				or(f.Message, "The name '"+c.ID.Name()+"' needs to be unique within a region, and the deletion of its last holder has not ended.")).At(c.ID.String())
		}
		return errs.New(errs.NotFound, or(f.Code, "InferencingClientCallFailed"), "%s",
			or(f.Message, "The service call for '"+c.ID.Name()+"' failed with status NotFound: the name was deleted a short time ago.")).At(c.ID.String())
	}
	return nil
}

// leaveWaiting makes the connections of a private endpoint, and has nobody approve them.
func (s *Set) leaveWaiting(next func(*provider.Call, string) error) func(*provider.Call, string) error {
	return func(c *provider.Call, cause string) error {
		if err := next(c, cause); err != nil || cause != "put" {
			return err
		}
		f, err := s.strikeResource(c, PrivateEndpointStaysPending, "/write", nil)
		if err != nil || f == nil {
			return err
		}
		requested, _ := tree.Get(c.Doc.Public, "properties.privateLinkServiceConnections").([]any)
		for _, item := range requested {
			object, _ := item.(map[string]any)
			target, err := arm.Parse(tree.Text(object, "properties.privateLinkServiceId"))
			if err != nil {
				continue // judged by the provider when it was put
			}
			if err := wait(c, target); err != nil {
				return err
			}
		}
		return nil
	}
}

// wait takes back the approval of the connections from an endpoint to a target.
func wait(c *provider.Call, target arm.ID) error {
	found, _, err := c.Lookup(target)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var mine []tree.Found
	err = c.Children(found, "privateEndpointConnections", func(connection tree.Found) (bool, error) {
		mine = append(mine, connection)
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, connection := range mine {
		doc, err := c.Tree.Decode(c.Ctx, c.Read, connection)
		if err != nil {
			return err
		}
		const at = "properties.privateLinkServiceConnectionState."
		if !strings.EqualFold(tree.Text(doc.Public, "properties.privateEndpoint.id"), c.ID.String()) || tree.Text(doc.Public, at+"status") != "Approved" {
			continue
		}
		tree.Set(doc.Public, at+"status", "Pending")
		tree.Set(doc.Public, at+"description", "Waiting for approval.")
		if err := c.SaveOther(connection, doc); err != nil {
			return err
		}
	}
	return nil
}
