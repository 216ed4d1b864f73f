// Package crash proves that the cloud is durable: it runs the real program under load, ends it with kill -9 at random instants and in the middle of moves,
// starts it again, and asks through the API and by SQL of its own whether every acknowledged write is there, everything is in one place, no group stays
// locked, and every operation ends.
//
// A run makes 50 kills on both stores; AMLMOVE_NIGHTLY=1 makes 1000 of them (go test -timeout 1h). AMLMOVE_CRASH_SEED repeats the choices of a run, as
// far as two processes can be made to do the same twice. AMLMOVE_CRASH_PROGRAM names a program that is already built.
package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/amlmove/amlmove/internal/cli" // the program under test: go test must not take an old result for that of a changed program
	"github.com/amlmove/amlmove/internal/cloud/store/postgres/pgtest"
)

// server is the PostgreSQL of this package.
var server pgtest.Server

func TestMain(m *testing.M) {
	code := server.Main(m)
	if builtIn != "" {
		if err := os.RemoveAll(builtIn); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// kills is how often a trial kills: its share of the 50 of a run or the 1000 of a night.
func kills(share int) int {
	if os.Getenv("AMLMOVE_NIGHTLY") == "1" {
		return share * 20
	}
	return share
}

func TestKillOnSQLite(t *testing.T) {
	t.Parallel()
	trial(t, kills(24), newNode(t, ""))
}

func TestKillOnPostgres(t *testing.T) {
	t.Parallel()
	trial(t, kills(13), newNode(t, server.Database(t)))
}

func TestKillOneOfTwoNodes(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	trial(t, kills(13), newNode(t, dsn), newNode(t, dsn))
}

// stores are both stores by name: what makes the address of a new one.
func stores() map[string]func(*testing.T) string {
	return map[string]func(*testing.T) string{
		"SQLite":     func(*testing.T) string { return "" },
		"PostgreSQL": func(t *testing.T) string { return server.Database(t) },
	}
}

// seedOf prints the seed of a test.
func seedOf(t *testing.T) uint64 {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("AMLMOVE_CRASH_SEED"); text != "" {
		number, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("AMLMOVE_CRASH_SEED: %v", err)
		}
		seed = number
	}
	t.Logf("seed: AMLMOVE_CRASH_SEED=%d", seed)
	return seed
}

// course is one trial on its way.
type course struct {
	*testing.T
	rng   *rand.Rand
	nodes []*node
	world *world
	left  int // kills
	made  int

	insideMoves, starting int
	slowest               time.Duration
}

// trial loads a cloud, kills it again and again, and judges it after each time.
func trial(t *testing.T, kills int, nodes ...*node) {
	seed := seedOf(t)
	c := &course{T: t, rng: rand.New(rand.NewPCG(seed, 1)), nodes: nodes, left: kills}
	for _, n := range nodes {
		n.start(t)
	}
	nodes[0].client(t).setDurations(t, durations)
	c.world = settle(t, nodes[0].client(t), nodes[0].state(t).Subscriptions)
	began := time.Now()
	for round := 0; c.left > 0 && !t.Failed(); round++ {
		c.round(seed + uint64(round))
	}
	c.report(time.Since(began))
}

// round is load, kill, start, judgement.
func (c *course) round(seed uint64) {
	c.Helper()
	clients := make([]*client, len(c.nodes))
	for i, n := range c.nodes {
		clients[i] = n.client(c.T)
	}
	l := begin(c.world, clients, seed)
	if c.rng.IntN(2) == 0 {
		see(l.written, c.rng.IntN(40)) // anywhere
	} else {
		see(l.moving, 1) // in the middle of a move, wherever that is
		<-time.After(time.Duration(c.rng.IntN(120)) * time.Millisecond)
	}
	l.doomed.Store(true)
	dead := c.strike()
	for _, surprise := range l.end() {
		c.Error(surprise)
	}
	c.recover(dead)
}

// strike kills one node, sometimes all, and returns the dead.
func (c *course) strike() []*node {
	dead := c.nodes
	if c.rng.IntN(4) > 0 {
		dead = []*node{c.nodes[c.rng.IntN(len(c.nodes))]}
	}
	for _, n := range dead {
		for _, line := range n.log.complaints() {
			c.Errorf("the node at %s: %s", n.address, line)
		}
		n.kill()
		c.left--
		c.made++
	}
	for _, p := range c.world.pairs {
		if p.open != nil && p.open.operation != "" {
			c.insideMoves++
		}
	}
	return dead
}

// recover starts the dead again, sometimes more than once, and judges. If somebody lives, the living have to finish the work of the dead.
func (c *course) recover(dead []*node) {
	c.Helper()
	for _, n := range dead {
		n.vanish(c.T)
	}
	alive := slices.DeleteFunc(slices.Clone(c.nodes), func(n *node) bool { return slices.Contains(dead, n) })
	r := openRows(c.T, c.nodes[0])
	defer r.close()
	began := time.Now()
	if len(alive) > 0 {
		c.world.rest(c.T, alive[0].client(c.T), r)
	}
	for _, n := range dead {
		if c.left > 0 && c.rng.IntN(6) == 0 {
			n.spawn(c.T)
			<-time.After(time.Duration(c.rng.IntN(60)) * time.Millisecond)
			n.kill()
			n.vanish(c.T)
			c.left--
			c.made++
			c.starting++
		}
		n.start(c.T)
	}
	api := c.nodes[c.rng.IntN(len(c.nodes))].client(c.T)
	c.world.rest(c.T, api, r)
	c.slowest = max(c.slowest, time.Since(began))
	c.world.judge(c.T, api)
	c.world.judgeRows(c.T, r)
}

// report says what the trial saw, and fails it when it saw too little.
func (c *course) report(took time.Duration) {
	c.Helper()
	written, moved, seen := map[string]int{}, 0, map[string]int{}
	for _, one := range c.world.writers {
		for what, count := range one.written {
			written[what] += count
		}
	}
	for _, p := range c.world.pairs {
		moved += p.moved
		for code, count := range p.seen {
			seen[code] += count
		}
	}
	var ready []time.Duration
	for _, n := range c.nodes {
		ready = append(ready, n.ready[1:]...)
	}
	slices.Sort(ready)
	c.Logf("%d kills in %.1f s: %d while a move was acknowledged and not over, %d during a start; at rest after at most %v", c.made, took.Seconds(), c.insideMoves, c.starting, c.slowest)
	c.Logf("%d moves; refused %v; acknowledged %v", moved, seen, written)
	if len(ready) > 0 {
		c.Logf("ready on an existing folder: median %v, longest %v", ready[len(ready)/2], ready[len(ready)-1])
	}
	if c.Failed() {
		return
	}
	if moved == 0 || c.insideMoves == 0 {
		c.Errorf("%d moves ended, %d kills fell into one: the trial proves nothing", moved, c.insideMoves)
	}
	for _, k := range kinds {
		if count := written["PUT "+k.name] + written["PATCH "+k.name]; count == 0 {
			c.Errorf("no %s was ever acknowledged: the trial proves nothing about them", strings.ToLower(k.name))
		}
	}
}
