package admin

import (
	"net/http"
	"strings"

	"github.com/amlmove/amlmove/internal/cloud/fault"
	"github.com/amlmove/amlmove/internal/errs"
)

func (a *API) faults(r *http.Request, _ string) (int, any, error) {
	seed, list, err := a.Faults.List(r.Context())
	return http.StatusOK, map[string]any{"seed": seed, "faults": list}, err
}

func (a *API) fault(r *http.Request, id string) (int, any, error) {
	_, list, err := a.Faults.List(r.Context())
	if err != nil {
		return 0, nil, err
	}
	for _, f := range list {
		if strings.EqualFold(f.ID, id) {
			return http.StatusOK, f, nil
		}
	}
	return 0, nil, errs.New(errs.NotFound, "FaultNotFound", "There is no fault with the id '%s'.", id)
}

func (a *API) addFault(r *http.Request, _ string) (int, any, error) {
	var f fault.Fault
	if err := read(r, &f); err != nil {
		return 0, nil, err
	}
	added, err := a.Faults.Add(r.Context(), f)
	return http.StatusCreated, added, err
}

func (a *API) putFaults(r *http.Request, _ string) (int, any, error) {
	var list struct {
		Seed   int64         `json:"seed"`
		Faults []fault.Fault `json:"faults"`
	}
	if err := read(r, &list); err != nil {
		return 0, nil, err
	}
	if err := a.Faults.Replace(r.Context(), list.Seed, list.Faults); err != nil {
		return 0, nil, err
	}
	return a.faults(r, "")
}

func (a *API) reseed(r *http.Request, _ string) (int, any, error) {
	var change struct {
		Seed *int64 `json:"seed"`
	}
	if err := read(r, &change); err != nil {
		return 0, nil, err
	}
	if change.Seed == nil {
		return 0, nil, errs.New(errs.Invalid, "InvalidRequestContent", "The request content must have a 'seed'.")
	}
	if err := a.Faults.Reseed(r.Context(), *change.Seed); err != nil {
		return 0, nil, err
	}
	return a.faults(r, "")
}

func (a *API) clearFaults(r *http.Request, _ string) (int, any, error) {
	return http.StatusNoContent, nil, a.Faults.Clear(r.Context())
}

func (a *API) deleteFault(r *http.Request, id string) (int, any, error) {
	return http.StatusNoContent, nil, a.Faults.Remove(r.Context(), id)
}

func (a *API) throttle(*http.Request, string) (int, any, error) {
	return http.StatusOK, a.Throttle.Limits(), nil
}

// patchThrottle changes the limits that are named.
func (a *API) patchThrottle(r *http.Request, _ string) (int, any, error) {
	return a.changeThrottle(r, func(l fault.Limits) fault.Limits { return l })
}

// putThrottle sets all limits; Azure's numbers stand for those that are not named.
func (a *API) putThrottle(r *http.Request, _ string) (int, any, error) {
	return a.changeThrottle(r, func(fault.Limits) fault.Limits { return fault.Published() })
}

// changeThrottle lays a request on the limits from which it starts.
func (a *API) changeThrottle(r *http.Request, from func(fault.Limits) fault.Limits) (int, any, error) {
	data, err := content(r)
	if err != nil {
		return 0, nil, err
	}
	changed, err := a.Throttle.Change(r.Context(), func(l *fault.Limits) error {
		*l = from(*l)
		return decode(data, l)
	})
	return http.StatusOK, changed, err
}

func (a *API) deleteThrottle(r *http.Request, _ string) (int, any, error) {
	_, err := a.Throttle.Change(r.Context(), func(l *fault.Limits) error { *l = fault.Published(); return nil })
	return http.StatusNoContent, nil, err
}
