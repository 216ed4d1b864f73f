package control

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
)

// scopeRead serves what other namespaces answer at any scope without keeping documents: the caller's permissions, what policy would say, metrics.
// handled is false when the tail is none of them.
func (e *Engine) scopeRead(ctx context.Context, req *Request) (resp Response, handled bool, err error) {
	switch typ := strings.ToLower(req.Target.Tail.NodeType()); {
	case typ == "microsoft.authorization/permissions" && req.Method == http.MethodGet:
		resp, err = e.permissions(ctx, req)
	case typ == "microsoft.policyinsights/checkpolicyrestrictions" && req.Method == http.MethodPost:
		resp, err = e.checkPolicy(ctx, req)
	default:
		entry, findErr := e.Types.Find(arm.Type(req.Target.Tail.NodeType()))
		if findErr != nil || !entry.Virtual || !entry.Extension || req.Method != http.MethodGet {
			return Response{}, false, nil
		}
		resp, err = e.readAt(ctx, req, entry)
	}
	return resp, true, err
}

// permissions answers what the caller may do at a scope.
func (e *Engine) permissions(ctx context.Context, req *Request) (Response, error) {
	var body []byte
	err := e.View(ctx, func(r store.Reader, st *State) error {
		if err := st.Admit(req, "Microsoft.Authorization/permissions/read", req.Target.ID); err != nil {
			return err
		}
		if len(req.Target.ID) > 0 {
			if _, err := e.Tree.Resolve(ctx, r, req.Target.ID); err != nil {
				return Explain(err, req.Target.ID)
			}
		}
		var err error
		body, err = json.Marshal(map[string]any{"value": st.grants.Permissions(req.Caller.ObjectID, req.Target.ID.String())})
		return err
	})
	return Response{Status: http.StatusOK, Body: body}, err
}

// checkPolicy answers what policy would say of a would-be resource, without side effects (arm-move 5).
func (e *Engine) checkPolicy(ctx context.Context, req *Request) (Response, error) {
	check, err := access.ParseCheck(req.Body)
	if err != nil {
		return Response{}, err
	}
	var body []byte
	err = e.View(ctx, func(r store.Reader, st *State) error {
		if err := st.Admit(req, "Microsoft.PolicyInsights/checkPolicyRestrictions/read", req.Target.ID); err != nil {
			return err
		}
		found, err := e.Tree.Resolve(ctx, r, req.Target.ID)
		if err != nil {
			return Explain(err, req.Target.ID)
		}
		group, err := e.groupDocument(ctx, r, found.Chain)
		if err != nil {
			return err
		}
		s := st.subject(req.Target.ID, nil, group)
		s.ID, s.Scope = "", req.Target.ID.String()
		body, err = json.Marshal(st.policies.Check(check, s, e.now()))
		return err
	})
	return Response{Status: http.StatusOK, Body: body}, err
}

// readAt runs the read of a virtual extension type at the resource that it is asked of.
func (e *Engine) readAt(ctx context.Context, req *Request, entry *provider.Type) (Response, error) {
	var body []byte
	err := e.View(ctx, func(r store.Reader, st *State) error {
		if err := st.Admit(req, string(entry.Name)+"/read", req.Target.ID); err != nil {
			return err
		}
		found, err := e.Tree.Resolve(ctx, r, req.Target.ID)
		if err != nil {
			return Explain(err, req.Target.ID)
		}
		call, err := e.callOn(ctx, r, nil, nil, found, req.Caller, e.now())
		if err != nil {
			return err
		}
		call.Query = req.Query
		answer, err := entry.Reads[""].Do(call)
		if err != nil {
			return err
		}
		body, err = json.Marshal(answer)
		return err
	})
	return Response{Status: http.StatusOK, Body: body}, err
}
