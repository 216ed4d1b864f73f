package cli

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/seal"
)

// defaultRuns is the folder of runs when --runs is not given.
const defaultRuns = ".amlmove/runs"

// runPlace says where a run is kept and whom it speaks to.
type runPlace struct{ endpoint, runs, db string }

// flags are those of commands that speak to where a run was begun.
func (p *runPlace) flags(f *pflag.FlagSet) {
	f.StringVar(&p.endpoint, "endpoint", "", "`cloud.json` of a running cloud, or a URL; default: that of the run, AMLMOVE_ENDPOINT, else Azure")
	p.kept(f)
}

// kept are the flags of commands that only look into runs.
func (p *runPlace) kept(f *pflag.FlagSet) {
	f.StringVar(&p.runs, "runs", defaultRuns, "`folder` of runs")
	f.StringVar(&p.db, "db", "", "`postgres://...` where many runs are kept; default: a file in the folder of the run")
}

// connect makes a client of an endpoint, when something is there.
func connect(ctx context.Context, endpoint string) (*azure.Client, error) {
	place, err := azure.FindPlace(endpoint)
	if err != nil {
		return nil, err
	}
	if err := reach(ctx, place); err != nil {
		return nil, err
	}
	return azure.Connect(place)
}

// reachTime is how long whoever listens at an endpoint may take to pick up.
const reachTime = 10 * time.Second

// reach tells at once that nothing listens at an endpoint that was named: cloud.json outlives a cloud that was killed, and a client would ask for a token again and again, and in the end call
// that nobody signed in. Behind a proxy only the proxy knows.
func reach(ctx context.Context, place azure.Place) error {
	to, err := url.Parse(place.Endpoint)
	if err != nil || to.Host == "" {
		return nil // Azure, or what the client refuses
	}
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: to}); proxy != nil || err != nil {
		return nil
	}
	conn, err := (&net.Dialer{Timeout: reachTime}).DialContext(ctx, "tcp", net.JoinHostPort(to.Hostname(), cmp.Or(to.Port(), "443")))
	if err == nil {
		return conn.Close()
	}
	if ctx.Err() != nil {
		return errs.Wrap(errs.Canceled, "Canceled", ctx.Err(), "%s was not asked", to.Host)
	}
	down := errs.Wrap(errs.Unavailable, "EndpointDown", err, "the cloud at %s does not answer", to.Host)
	if place.CAFile != "" {
		return down.Advise("start it again with: amlmove cloud up --data %s", filepath.Dir(place.CAFile))
	}
	return down.Advise("check the address; a practice cloud is started with: amlmove cloud up")
}

// database opens the database that was named for runs; nil stands for the file in the folder of each. Whether a run is kept there is for who opens the run to find out.
func (p runPlace) database(ctx context.Context) (*mover.Database, func() error, error) {
	if p.db == "" {
		return nil, func() error { return nil }, nil
	}
	database, err := mover.OpenPostgres(ctx, p.db)
	if err != nil {
		return nil, nil, err
	}
	return database, database.Close, nil
}

// keyFile is where the key of sealed secrets is kept for this person.
func keyFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		if os.Getenv("AMLMOVE_SEAL_KEY") != "" {
			return "", nil
		}
		return "", errs.Wrap(errs.Invalid, "SealKey", err, "there is no folder for the key of sealed secrets").Advise("set AMLMOVE_SEAL_KEY")
	}
	return filepath.Join(dir, "amlmove", "seal.key"), nil
}

// box opens the sealed secrets of a run.
func box(f mover.Folder) (*seal.Box, error) {
	file, err := keyFile()
	if err != nil {
		return nil, err
	}
	key, err := seal.Key(file)
	if err != nil {
		return nil, err
	}
	return seal.Open(f.File(mover.SecretsFile), key)
}

// absolute makes the endpoint of a run findable from any folder.
func absolute(endpoint string) string {
	endpoint = cmp.Or(endpoint, os.Getenv("AMLMOVE_ENDPOINT"))
	if _, err := os.Stat(endpoint); endpoint == "" || err != nil {
		return endpoint
	}
	if full, err := filepath.Abs(endpoint); err == nil {
		return full
	}
	return endpoint
}
