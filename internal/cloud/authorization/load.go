// Package authorization is Microsoft.Authorization in the cloud: role definitions and assignments, locks, policy. Its documents are extensions of
// a scope; what they mean is decided by the pure package access. It stands on access, provider and store.
package authorization

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// Types of the documents.
const (
	RoleDefinitions      = "Microsoft.Authorization/roleDefinitions"
	RoleAssignments      = "Microsoft.Authorization/roleAssignments"
	Locks                = "Microsoft.Authorization/locks"
	PolicyDefinitions    = "Microsoft.Authorization/policyDefinitions"
	PolicySetDefinitions = "Microsoft.Authorization/policySetDefinitions"
	PolicyAssignments    = "Microsoft.Authorization/policyAssignments"
	PolicyExemptions     = "Microsoft.Authorization/policyExemptions"
)

// Rules is everything that decides about rights, parsed.
type Rules struct {
	Roles       []access.Role
	Assignments []access.Assignment
	Locks       []access.Lock
	definitions []access.Definition
	initiatives []access.Initiative
	policies    []access.PolicyAssignment
	exemptions  []access.Exemption
}

// builtInRoles and builtInDefinitions are parsed once: they never change.
var (
	builtInRoles       = sync.OnceValue(access.BuiltInRoles)
	builtInDefinitions = sync.OnceValue(access.BuiltInDefinitions)
)

// Policies resolves the policy documents for evaluation.
func (r *Rules) Policies() *access.Policies {
	return access.NewPolicies(r.definitions, r.initiatives, r.policies, r.exemptions)
}

// Load reads and parses all documents of the cloud. Their number is bounded by Azure's own limits (some thousands in a subscription).
func Load(ctx context.Context, r store.Reader) (*Rules, error) {
	rules := &Rules{}
	rules.Roles = append(rules.Roles, builtInRoles()...)
	rules.definitions = append(rules.definitions, builtInDefinitions()...)
	for _, typ := range []string{RoleDefinitions, RoleAssignments, Locks, PolicyDefinitions, PolicySetDefinitions, PolicyAssignments, PolicyExemptions} {
		if err := each(ctx, r, store.ExtensionRange{Scope: "/", Below: true, Type: typ}, rules.add); err != nil {
			return nil, fmt.Errorf("load %s: %w", typ, err)
		}
	}
	return rules, nil
}

// each visits all extensions of a range.
func each(ctx context.Context, r store.Reader, chunk store.ExtensionRange, visit func(store.Extension) error) error {
	chunk.Limit = 1000
	for {
		page, err := r.Extensions(ctx, chunk)
		if err != nil {
			return err
		}
		for _, ext := range page {
			if err := visit(ext); err != nil {
				return fmt.Errorf("%s: %w", tree.ExtensionID(ext), err)
			}
			chunk.AfterScope, chunk.AfterType, chunk.AfterName = ext.Scope, ext.Type, ext.Name
		}
		if len(page) < chunk.Limit {
			return nil
		}
	}
}

// add parses one document into the rules.
func (r *Rules) add(ext store.Extension) error {
	id, body := tree.ExtensionID(ext).String(), tree.RenderExtension(ext)
	switch strings.ToLower(ext.Type) {
	case strings.ToLower(RoleDefinitions):
		return parseInto(&r.Roles, access.ParseRole, id, body)
	case strings.ToLower(RoleAssignments):
		return parseInto(&r.Assignments, access.ParseAssignment, id, body)
	case strings.ToLower(Locks):
		return parseInto(&r.Locks, access.ParseLock, id, body)
	case strings.ToLower(PolicyDefinitions):
		return parseInto(&r.definitions, access.ParseDefinition, id, body)
	case strings.ToLower(PolicySetDefinitions):
		return parseInto(&r.initiatives, access.ParseInitiative, id, body)
	case strings.ToLower(PolicyAssignments):
		return parseInto(&r.policies, access.ParsePolicyAssignment, id, body)
	case strings.ToLower(PolicyExemptions):
		return parseInto(&r.exemptions, access.ParseExemption, id, body)
	}
	return nil
}

func parseInto[T any](list *[]T, parse func(string, []byte) (T, error), id string, body []byte) error {
	parsed, err := parse(id, body)
	if err == nil {
		*list = append(*list, parsed)
	}
	return err
}

// roleByID finds a role by the id or guid in an assignment; nil when there is none.
func (r *Rules) roleByID(id string) *access.Role {
	guid := id[strings.LastIndexByte(id, '/')+1:]
	for i := range r.Roles {
		have := r.Roles[i].ID
		if strings.EqualFold(have[strings.LastIndexByte(have, '/')+1:], guid) {
			return &r.Roles[i]
		}
	}
	return nil
}

// idText renders the id of a call for the parsers.
func idText(id arm.ID) string { return id.String() }
