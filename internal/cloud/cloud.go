// Package cloud is a running ARM control plane: it wires the store, the tree, the provider table, the token issuer, the operation runner and the
// HTTP server, and starts and stops them. Everything else of the wing stands below it.
package cloud

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/admin"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/directory"
	"github.com/amlmove/amlmove/internal/cloud/fault"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/move"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/server"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// Options are what a Cloud is started with.
type Options struct {
	Store  store.Store
	Listen string // host:port; port 0 takes a free one; empty is 127.0.0.1:0
	// AllowRemote permits a listen address that is not loopback.
	AllowRemote bool
	// Advertise is the URL by which clients reach the cloud when it is not the listen address: that of a balancer before several nodes. Tokens are issued for
	// it, so every node of a cloud must have the same.
	Advertise string
	Log       *slog.Logger
	// NewKeys makes the keys of a new cloud; identity.NewKeys if nil. Tests that start many clouds share one set: making keys is the slowest part.
	NewKeys func() (identity.Keys, error)
	// Machine is the machine's clock; time.Now if nil. Tokens always live by time.Now: clients count by theirs.
	Machine func() time.Time
	Version string // what /_cloud/status says; that of the build if empty
}

// Cloud is a running control plane.
type Cloud struct {
	Store  store.Store
	Tree   *tree.Tree
	Engine *control.Engine
	Clock  *operation.Clock
	Runner *operation.Runner
	Keys   identity.Keys
	Faults *fault.Set
	// Throttle counts requests as ARM does, once it is told to.
	Throttle *fault.Throttle

	base     string
	address  string
	http     *http.Server
	cancel   context.CancelFunc
	running  sync.WaitGroup
	serveErr chan error
}

// keysKey is where the store keeps keys and certificates: every node and every restart has the same.
const keysKey = "cloud.keys"

// Start starts a cloud on an open store. The caller keeps the store and closes it after Close.
func Start(ctx context.Context, o Options) (*Cloud, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.NewKeys == nil {
		o.NewKeys = identity.NewKeys
	}
	if o.Machine == nil {
		o.Machine = time.Now
	}
	advertised, err := url.Parse(o.Advertise)
	if err != nil || o.Advertise != "" && (advertised.Scheme != "https" || advertised.Host == "") {
		return nil, errs.New(errs.Invalid, "InvalidAdvertise", "the address %q to advertise is not of the form https://host:port", o.Advertise)
	}
	c := &Cloud{Store: o.Store, Clock: operation.NewClock(o.Machine), serveErr: make(chan error, 1)}
	if err := c.assemble(ctx, o); err != nil {
		return nil, err
	}
	listener, err := listen(o)
	if err != nil {
		return nil, err
	}
	c.address = listener.Addr().String()
	c.base = "https://" + c.address
	var hosts []string
	if o.Advertise != "" {
		c.base = strings.TrimRight(o.Advertise, "/")
		hosts = append(hosts, advertised.Hostname())
	}
	certificate, err := c.Keys.ServerCertificate(hosts, time.Now())
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	c.http.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
	work, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	c.running.Go(func() { c.Runner.Run(work) })
	c.running.Go(func() { c.collect(work, o.Log) })
	go func() {
		err := c.http.ServeTLS(listener, "", "")
		if !errors.Is(err, http.ErrServerClosed) {
			c.serveErr <- err
		}
		close(c.serveErr)
	}()
	return c, nil
}

// assemble builds everything that needs no address.
func (c *Cloud) assemble(ctx context.Context, o Options) error {
	types := Types()
	c.Faults = fault.NewSet(o.Store)
	c.Faults.Instrument(types)
	var err error
	if c.Tree, err = tree.Open(ctx, o.Store, types.Slotted()...); err != nil {
		return err
	}
	if c.Keys, err = loadKeys(ctx, o.Store, o.NewKeys); err != nil {
		return err
	}
	if err := o.Store.View(ctx, func(r store.Reader) error { return c.Clock.Load(ctx, r) }); err != nil {
		return err
	}
	people := directory.Directory{Store: o.Store}
	issuer, err := identity.New(identity.Options{Base: c.Base, Keys: c.Keys, Directory: people, HasTenant: people.HasTenant, Log: o.Log})
	if err != nil {
		return err
	}
	c.Engine = control.New(control.Options{Store: o.Store, Tree: c.Tree, Types: types, Clock: c.Clock, Base: c.Base, Log: o.Log})
	handlers := c.Engine.Handlers()
	for kind, handler := range move.Register(c.Engine, c.Faults) {
		handlers[kind] = handler
	}
	c.Runner = operation.NewRunner(o.Store, c.Clock, handlers, o.Log)
	c.Engine.OnOperation(c.Runner.Wake)
	c.Throttle = fault.NewThrottle(o.Store, o.Machine)
	gate := fault.NewGate(o.Store, c.Faults, c.Throttle)
	if err := gate.Load(ctx); err != nil {
		return err
	}
	api := admin.New(admin.Options{Engine: c.Engine, Issuer: issuer, Runner: c.Runner, Faults: c.Faults, Throttle: c.Throttle, Forks: c, Home: home, Version: o.Version})
	c.http = &http.Server{
		Handler:           server.New(server.Options{Engine: c.Engine, Issuer: issuer, Base: c.Base, Log: o.Log, Admin: api.Serve, Gate: gate}),
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          log.New(discard{}, "", 0),
	}
	return nil
}

// home is the home tenant of the world that was loaded into a store.
func home(ctx context.Context, r store.Reader) (string, error) {
	world, err := fixture.Read(ctx, r)
	return world.TenantID, err
}

// discard drops what net/http says of clients that hang up during the handshake.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// listen opens the address; anything but loopback needs AllowRemote.
func listen(o Options) (net.Listener, error) {
	address := o.Listen
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, "InvalidListenAddress", err, "the listen address %q is not of the form host:port", address)
	}
	ip := net.ParseIP(host)
	if loopback := host == "localhost" || ip != nil && ip.IsLoopback(); !loopback && !o.AllowRemote {
		return nil, errs.New(errs.Invalid, "RemoteListen", "the listen address %q can be reached from other machines", address).
			Advise("say --allow-remote if that is what you want")
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, "ListenFailed", err, "listen on %s", address)
	}
	return listener, nil
}

// loadKeys reads the cloud's keys from its store, or makes them there.
func loadKeys(ctx context.Context, s store.Store, make func() (identity.Keys, error)) (identity.Keys, error) {
	var keys identity.Keys
	read := func(r store.Reader) error {
		data, err := r.Meta(ctx, keysKey)
		if err == nil {
			keys, err = identity.ParseKeys(data)
		}
		return err
	}
	err := s.View(ctx, read)
	if !errs.Is(err, errs.NotFound) {
		return keys, err
	}
	fresh, err := make()
	if err != nil {
		return keys, err
	}
	data, err := fresh.Marshal()
	if err != nil {
		return keys, err
	}
	err = s.Update(ctx, func(tx store.Tx) error {
		err := read(tx) // another node may have been quicker
		if errs.Is(err, errs.NotFound) {
			keys = fresh
			return tx.PutMeta(ctx, keysKey, data)
		}
		return err
	})
	return keys, err
}

// Address is where the cloud listens: host:port.
func (c *Cloud) Address() string { return c.address }

// Base is the endpoint of the cloud: https://host:port.
func (c *Cloud) Base() string { return c.base }

// Client returns an HTTP client that trusts the cloud's certificate authority.
func (c *Cloud) Client() *http.Client {
	pool := certPool(c.Keys.CAPEM())
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	transport.Proxy = nil
	transport.MaxIdleConnsPerHost = 64
	return &http.Client{Transport: transport}
}

// Failed delivers the error that ended the server, if one does.
func (c *Cloud) Failed() <-chan error { return c.serveErr }

// Close stops answering, lets running requests and operations end, and leaves the store to its owner.
func (c *Cloud) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := c.http.Shutdown(ctx)
	if err != nil {
		err = fmt.Errorf("stop the server: %w", c.http.Close())
	}
	c.cancel()
	c.running.Wait()
	return err
}

// How often the cloud looks for what was dropped and can be deleted for good, and for operations that nobody asks for any more.
const (
	collectInterval = 2 * time.Second
	forgetInterval  = time.Hour
	// forgetAfter is how long the result of an operation can be read, by the cloud's clock.
	forgetAfter = 7 * 24 * time.Hour
)

// collect deletes what was trashed, in small steps (D5), and forgets old operations.
func (c *Cloud) collect(ctx context.Context, log *slog.Logger) {
	collect, forget := time.NewTicker(collectInterval), time.NewTicker(forgetInterval)
	defer collect.Stop()
	defer forget.Stop()
	for {
		step := func() (int, error) { return c.Store.Collect(ctx, 500) }
		select {
		case <-ctx.Done():
			return
		case <-collect.C:
		case <-forget.C:
			step = func() (int, error) { return c.forget(ctx, 500) }
		}
		for {
			n, err := step()
			if err != nil && ctx.Err() == nil {
				log.Error("collect", "error", err)
			}
			if err != nil || n == 0 {
				break
			}
		}
	}
}

// forget deletes operations that ended long ago and counts them.
func (c *Cloud) forget(ctx context.Context, limit int) (int, error) {
	var n int64
	err := c.Store.Update(ctx, func(tx store.Tx) error {
		var err error
		n, err = tx.DropOperations(ctx, c.Clock.Now().Add(-forgetAfter), limit)
		return err
	})
	return int(n), err
}
