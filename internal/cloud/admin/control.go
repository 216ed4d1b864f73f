package admin

import (
	"net/http"
	"runtime/debug"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/fault"
	"github.com/amlmove/amlmove/internal/cloud/move"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// version is that of the program, or of its build.
func (a *API) version() string {
	if a.Version != "" {
		return a.Version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

func (a *API) status(r *http.Request, _ string) (int, any, error) {
	stats, err := a.Engine.Store.Stats(r.Context())
	if err != nil {
		return 0, nil, err
	}
	clock, err := a.view(r.Context())
	if err != nil {
		return 0, nil, err
	}
	seed, faults, err := a.Faults.List(r.Context())
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{
		"version": a.version(), "started": a.started.UTC(), "uptime": fault.Duration(time.Since(a.started).Truncate(time.Second)),
		"store":    map[string]any{"engine": stats.Engine, "nodes": stats.Nodes, "extensions": stats.Extensions, "runningOperations": stats.Running},
		"clock":    clock,
		"faults":   map[string]any{"seed": seed, "count": len(faults)},
		"throttle": map[string]any{"mode": a.Throttle.Limits().Mode},
	}, nil
}

func (a *API) collect(r *http.Request, _ string) (int, any, error) {
	total := 0
	for {
		n, err := a.Engine.Store.Collect(r.Context(), 1000)
		if err != nil {
			return 0, nil, err
		}
		if total += n; n == 0 {
			return http.StatusOK, map[string]any{"collected": total}, nil
		}
	}
}

func (a *API) settings(r *http.Request, _ string) (int, any, error) {
	var settings move.Settings
	err := a.Engine.Store.View(r.Context(), func(reader store.Reader) error {
		var err error
		settings, err = move.LoadSettings(r.Context(), reader)
		return err
	})
	return http.StatusOK, settings, err
}

func (a *API) patchSettings(r *http.Request, _ string) (int, any, error) {
	var patch map[string]*string
	if err := read(r, &patch); err != nil {
		return 0, nil, err
	}
	return a.saveSettings(r, func(s *move.Settings) error {
		members := map[string]*string{"locks": &s.Locks, "datastoreFields": &s.DatastoreFields, "hubs": &s.Hubs}
		for name, value := range patch {
			member := members[name]
			if member == nil || value == nil {
				return errs.New(errs.Invalid, "InvalidSetting", "there is no setting %q, or it is null", name)
			}
			*member = *value
		}
		return nil
	})
}

func (a *API) putSettings(r *http.Request, _ string) (int, any, error) {
	wanted := move.Strictest()
	if err := read(r, &wanted); err != nil {
		return 0, nil, err
	}
	return a.saveSettings(r, func(s *move.Settings) error { *s = wanted; return nil })
}

// saveSettings changes the settings in one transaction.
func (a *API) saveSettings(r *http.Request, edit func(*move.Settings) error) (int, any, error) {
	var settings move.Settings
	err := a.Engine.Store.Update(r.Context(), func(tx store.Tx) error {
		var err error
		if settings, err = move.LoadSettings(r.Context(), tx); err != nil {
			return err
		}
		if err := edit(&settings); err != nil {
			return err
		}
		return move.SaveSettings(r.Context(), tx, settings)
	})
	return http.StatusOK, settings, err
}
