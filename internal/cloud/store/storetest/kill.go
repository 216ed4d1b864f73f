package storetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
)

// placeVariable tells a test binary that it is a child of Kill and where its store is.
const placeVariable = "AMLMOVE_STORETEST_PLACE"

// childWriters is how many goroutines of the child write.
const childWriters = 6

// Kill starts the test binary again as a child that writes to the store at a place and says on standard output what was
// acknowledged; strike ends the child (nil: kill -9) at a random moment; then the store must hold every write that was
// acknowledged, whole, and no half of any other. This is done some ten times; AMLMOVE_NIGHTLY=1 makes it hundreds.
// The TestMain of the engine has to call Child first.
func Kill(t *testing.T, place string, open func(t *testing.T) store.Store, strike func(t *testing.T, child *os.Process)) {
	t.Helper()
	rounds := 10
	if os.Getenv("AMLMOVE_NIGHTLY") == "1" {
		rounds = 300
	}
	if strike == nil {
		strike = func(t *testing.T, child *os.Process) {
			if err := child.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	for round := range rounds {
		acknowledged := runChild(t, place, 1+rand.IntN(400), strike)
		t.Run(fmt.Sprintf("round %d", round), func(t *testing.T) {
			c := &cloud{Store: open(t), ctx: t.Context()}
			for writer, last := range acknowledged {
				c.checkWriter(t, writer, last)
			}
			if err := c.Close(); err != nil { // the next child needs it
				t.Errorf("close: %v", err)
			}
		})
	}
}

// runChild lets a child write until it has acknowledged some writes, ends it and returns each writer's last acknowledged number.
func runChild(t *testing.T, place string, acks int, strike func(*testing.T, *os.Process)) map[int]int {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), placeVariable+"="+place)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil { // closed by Wait, or when this process dies
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last, seen := map[int]int{}, 0
	for lines := bufio.NewScanner(out); lines.Scan(); seen++ {
		var writer, number int
		if n, _ := fmt.Sscanf(lines.Text(), "%d %d.", &writer, &number); n != 2 { // the point ends a whole line
			t.Errorf("the child said %q", lines.Text())
		}
		last[writer] = max(last[writer], number)
		if seen == acks {
			strike(t, cmd.Process)
		}
	}
	_ = cmd.Wait() // it was killed
	if seen < acks {
		t.Fatalf("the child ended by itself after %d acknowledged writes", seen)
	}
	return last
}

// checkWriter compares what a writer left with its last acknowledged number: at most one more write was under way.
func (c *cloud) checkWriter(t *testing.T, writer, last int) {
	t.Helper()
	c.view(t, func(r store.Reader) error {
		met, err := r.Walk(c.ctx, store.Root, steps(fmt.Sprintf("writer/%d", writer)))
		if err != nil || len(met) != 1 {
			return fmt.Errorf("writer %d is lost: %w", writer, err)
		}
		count, err := r.Count(c.ctx, met[0].ID, "n")
		if err != nil {
			return err
		}
		if count < int64(last) || count > int64(last)+1 {
			t.Errorf("writer %d left %d nodes, %d were acknowledged", writer, count, last)
		}
		for n := 1; n <= int(count); n++ {
			found, err := r.Walk(c.ctx, met[0].ID, []store.Step{{Type: "n", Name: strconv.Itoa(n)}})
			if err != nil || len(found) != 1 {
				t.Errorf("writer %d: node %d of %d is lost (%v)", writer, n, count, err)
			}
		}
		value, err := r.Meta(c.ctx, met[0].Name)
		if err != nil {
			return err
		}
		wantText(t, "number next to the node", string(value), strconv.FormatInt(count, 10))
		bound, err := r.Extensions(c.ctx, store.ExtensionRange{Scope: "/writer/" + met[0].Name, Below: true, Limit: 1 << 20})
		want(t, "extensions next to the nodes", int64(len(bound)), count)
		if err != nil {
			return err
		}
		bad, err := r.Count(c.ctx, met[0].ID, "bad")
		want(t, "nodes of updates that failed", bad, 0)
		return err
	})
}

// Child turns a test binary that Kill started into the child: it writes until it is killed and never returns. In any other
// process it does nothing.
func Child(open func(ctx context.Context, place string) (store.Store, error)) {
	place := os.Getenv(placeVariable)
	if place == "" {
		return
	}
	go func() { // a parent that is gone closes the pipe
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	ctx := context.Background()
	s, err := open(ctx, place)
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
	var all sync.WaitGroup
	for writer := range childWriters {
		all.Go(func() { writeForever(ctx, s, writer) })
	}
	all.Wait() // all writers met an error: the store went away under them
	os.Exit(1)
}

// errBad ends the updates of a child that must leave nothing.
var errBad = errors.New("bad on purpose")

// writeForever writes nodes 1, 2, 3... of a writer and says when each is acknowledged.
func writeForever(ctx context.Context, s store.Store, writer int) {
	home := store.Node{Type: "writer", Name: strconv.Itoa(writer)}
	var next int64
	err := s.Update(ctx, func(tx store.Tx) error {
		met, err := tx.Walk(ctx, store.Root, []store.Step{{Type: home.Type, Name: home.Name}})
		if err != nil {
			return err
		}
		if len(met) == 0 {
			return errors.Join(tx.Insert(ctx, &home), tx.PutMeta(ctx, home.Name, []byte("0")))
		}
		home = met[0]
		next, err = tx.Count(ctx, home.ID, "n")
		return err
	})
	for ; err == nil; next++ {
		number := strconv.FormatInt(next+1, 10)
		err = s.Update(ctx, func(tx store.Tx) error { return writeOne(ctx, tx, home, number) })
		if err == nil {
			_, err = fmt.Fprintf(os.Stdout, "%d %s.\n", writer, number)
		}
		if err == nil && next%10 == 0 {
			_, err = s.Collect(ctx, 50)
		}
		if next%3 == 0 {
			_ = s.Update(ctx, func(tx store.Tx) error {
				return errors.Join(tx.Insert(ctx, &store.Node{Parent: home.ID, Type: "bad", Name: number}), errBad)
			})
		}
	}
}

// writeOne writes a node, an extension and a number that belong together, and a node for the collector.
func writeOne(ctx context.Context, tx store.Tx, home store.Node, number string) error {
	junk := &store.Node{Parent: home.ID, Type: "junk", Name: "junk"}
	for _, write := range []func() error{
		func() error { return tx.Insert(ctx, &store.Node{Parent: home.ID, Type: "n", Name: number}, junk) },
		func() error { return tx.Trash(ctx, junk.ID) },
		func() error { return tx.PutMeta(ctx, home.Name, []byte(number)) },
		func() error {
			return tx.PutExtension(ctx, store.Extension{Scope: "/writer/" + home.Name + "/" + number, Type: "t", Name: "e"})
		},
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return tx.Bump(ctx)
}
