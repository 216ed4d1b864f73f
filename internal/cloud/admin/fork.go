package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
)

// Forks are the named states of the cloud, and how it goes back to them. *cloud.Cloud is it.
type Forks interface {
	Forks(ctx context.Context) ([]store.Fork, error)
	Fork(ctx context.Context, name string) error
	Rewind(ctx context.Context, name string) error
	DropFork(ctx context.Context, name string) error
}

// forkView is a fork as the API shows it.
type forkView struct {
	Name string    `json:"name"`
	Made time.Time `json:"made"` // by the cloud's clock
}

func (a *API) forks(r *http.Request, _ string) (int, any, error) {
	forks, err := a.Forks.Forks(r.Context())
	shown := []forkView{}
	for _, f := range forks {
		shown = append(shown, forkView{f.Name, f.Made})
	}
	return http.StatusOK, map[string]any{"forks": shown}, err
}

// named reads a request that names a fork, and does something with it.
func (a *API) named(r *http.Request, do func(ctx context.Context, name string) error) error {
	var asked struct {
		Name string `json:"name"`
	}
	if err := read(r, &asked); err != nil {
		return err
	}
	return do(r.Context(), asked.Name)
}

func (a *API) addFork(r *http.Request, _ string) (int, any, error) {
	if err := a.named(r, a.Forks.Fork); err != nil {
		return 0, nil, err
	}
	_, body, err := a.forks(r, "")
	return http.StatusCreated, body, err
}

func (a *API) rewind(r *http.Request, _ string) (int, any, error) {
	if err := a.named(r, a.Forks.Rewind); err != nil {
		return 0, nil, err
	}
	return a.forks(r, "")
}

func (a *API) deleteFork(r *http.Request, name string) (int, any, error) {
	return http.StatusNoContent, nil, a.Forks.DropFork(r.Context(), name)
}
