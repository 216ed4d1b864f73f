package verify

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// What became of a Right.
const (
	Lost      = "lost"      // given on the workspace itself, and not there any more
	Inherited = "inherited" // came from above the workspace before, and nothing above it gives it now: a warning, for the new place decides who may do what in it
	Gained    = "gained"    // effective now and not before: most often from above the new place
)

// Right is a role that somebody had in the workspace on one side of the move and has not on the other.
type Right struct {
	What      string `json:"what"`
	Principal string `json:"principal"`               // object id
	Sort      string `json:"principalType,omitempty"` // User, Group, ServicePrincipal
	Role      string `json:"role"`                    // its name, or its id where nobody said the name
	Scope     string `json:"scope"`                   // of the assignment that gave, or gives it
}

// Rights compares who may do what in the workspace, whatever gives it: assignments at the workspace and above it, by principal and role (S16). Who had a role only above the old
// place is told of as well.
func Rights(ctx context.Context, before, after *snapshot.Snapshot) ([]Right, error) {
	was, err := effective(ctx, before)
	if err != nil {
		return nil, err
	}
	is, err := effective(ctx, after)
	if err != nil {
		return nil, err
	}
	rights := []Right{}
	for key, r := range was {
		if _, still := is[key]; !still {
			r.What = Inherited
			if strings.EqualFold(r.Scope, before.Header.WorkspaceID) {
				r.What = Lost
			}
			rights = append(rights, r)
		}
	}
	for key, r := range is {
		if _, already := was[key]; !already {
			r.What = Gained
			rights = append(rights, r)
		}
	}
	rank := map[string]int{Lost: 0, Inherited: 1, Gained: 2}
	slices.SortFunc(rights, func(a, b Right) int {
		return cmp.Or(cmp.Compare(rank[a.What], rank[b.What]), cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Role, b.Role))
	})
	return rights, nil
}

// effective are the rights in the workspace of a snapshot, by principal and role. The assignment nearest to the workspace stands for others that give the same.
func effective(ctx context.Context, s *snapshot.Snapshot) (map[string]Right, error) {
	workspace, err := arm.Parse(s.Header.WorkspaceID)
	if err != nil {
		return nil, err
	}
	names, err := roleNames(ctx, s)
	if err != nil {
		return nil, err
	}
	rights := map[string]Right{}
	err = visit(ctx, s, snapshot.Source, aml.RoleAssignments, func(id arm.ID, doc arm.Document) {
		scope := id.Scope()
		if !workspace.Within(scope) && !above(scope) {
			return
		}
		role := lastName(doc.Text("properties.roleDefinitionId"))
		r := Right{Principal: doc.Text("properties.principalId"), Sort: doc.Text("properties.principalType"), Role: cmp.Or(names[role], role), Scope: scope.String()}
		key := strings.ToLower(r.Principal) + " " + role
		if other, twice := rights[key]; !twice || len(scope.String()) > len(other.Scope) {
			rights[key] = r
		}
	})
	return rights, err
}

// above reports whether a scope is a management group: assignments of one that a list below it showed are effective there.
func above(scope arm.ID) bool { return scope.Type().Is("Microsoft.Management/managementGroups") }

// roleNames are the names of roles, by the last part of their ids.
func roleNames(ctx context.Context, s *snapshot.Snapshot) (map[string]string, error) {
	names := map[string]string{}
	for _, section := range []snapshot.Section{snapshot.Source, snapshot.Target} {
		err := visit(ctx, s, section, aml.RoleDefinitions, func(id arm.ID, doc arm.Document) { names[strings.ToLower(id.Name())] = doc.Text("properties.roleName") })
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

// lastName is the last part of an id, in lower case.
func lastName(id string) string { return strings.ToLower(id[strings.LastIndexByte(id, '/')+1:]) }
