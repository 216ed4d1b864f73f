package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// load is one stretch of work on a world, from a start to a kill.
type load struct {
	clients []*client
	stop    chan struct{}
	doomed  atomic.Bool   // a node is about to be killed: a lost answer is no surprise
	moving  chan struct{} // a move was acknowledged
	written chan struct{} // a write was
	wait    sync.WaitGroup

	mu       sync.Mutex
	surprise []string
}

// begin lets all writers and movers work.
func begin(w *world, clients []*client, seed uint64) *load {
	l := &load{clients: clients, stop: make(chan struct{}), moving: make(chan struct{}, 1), written: make(chan struct{}, 1)}
	for i, one := range w.writers {
		l.wait.Go(func() { one.work(l, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	for i, one := range w.pairs {
		l.wait.Go(func() { one.work(l, rand.New(rand.NewPCG(seed, uint64(1000+i)))) })
	}
	return l
}

// end waits until everybody has noticed that it is over.
func (l *load) end() []string {
	close(l.stop)
	l.wait.Wait()
	return l.surprise
}

// signal tells whoever waits that something happened.
func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// see waits until something has happened so many times, but not for ever: writes may all be refused for a while.
func see(what <-chan struct{}, times int) {
	limit := time.After(2 * time.Second)
	for range times {
		select {
		case <-what:
		case <-limit:
			return
		}
	}
}

func (l *load) over() bool {
	select {
	case <-l.stop:
		return true
	default:
		return l.doomed.Load() && len(l.clients) > 1 // the other node lives on and would be written to for ever
	}
}

func (l *load) complain(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.surprise = append(l.surprise, fmt.Sprintf(format, args...))
}

// ask sends a request to one of the nodes. Without an answer the load is over for whoever asked.
func (l *load) ask(rng *rand.Rand, method, path string, body any) (answer, bool) {
	a, err := l.clients[rng.IntN(len(l.clients))].do(context.Background(), method, path, body)
	if err != nil {
		if !l.doomed.Load() {
			l.complain("no answer to %s %s although every node lives: %v", method, path, err)
		}
		return a, false
	}
	switch {
	case a.good(), a.status == http.StatusConflict, a.status == http.StatusNotFound:
	default:
		l.complain("%s %s was answered %d: %s", method, path, a.status, a.body)
	}
	return a, true
}

// follow polls an operation to its end; false when the load ended before.
func (l *load) follow(rng *rand.Rand, operation string) (last answer, done bool) {
	for !l.over() {
		last, done = l.ask(rng, http.MethodGet, operation, nil)
		if !done {
			return last, false
		}
		if last.status == http.StatusNotFound {
			l.complain("the operation %s is not found", operation)
		}
		if !running(last) {
			return last, true
		}
		<-time.After(pace)
	}
	return last, false
}

// writer writes its own things.
type writer struct {
	number     int
	things     []*thing
	count      int      // of tokens
	operations []string // acknowledged and not seen to end
	written    map[string]int
}

// newWriter spreads a writer's things over the world: some where nothing moves, some in a workspace that does.
func newWriter(number int, w *world) *writer {
	one := &writer{number: number, written: map[string]int{}}
	add := func(kind string, home *place, count int) {
		for i := range count {
			one.things = append(one.things, &thing{kind: kindNamed(kind), home: home, name: fmt.Sprintf("%s-%d-%d", kind, number, i), can: []string{""}})
		}
	}
	for _, kind := range []string{"model", "data", "job", "datastore"} {
		add(kind, w.steady, 2)
		for _, p := range w.pairs {
			for _, home := range p.places {
				if home.guid != "" {
					add(kind, home, 1)
				}
			}
		}
	}
	for _, home := range w.places() {
		add("tag", home, 1)
	}
	add("compute", w.steady, 2)
	add("lock", w.safe, 1)
	return one
}

func (one *writer) work(l *load, rng *rand.Rand) {
	for !l.over() && one.change(l, rng, one.pick(rng)) {
	}
}

// pick chooses a kind, and then a thing of that kind, so that rare kinds come as often as common ones; half of the time one whose group no move locks.
func (one *writer) pick(rng *rand.Rand) *thing {
	kind, rest := &kinds[rng.IntN(len(kinds))], rng.IntN(2) == 0
	of := slices.DeleteFunc(slices.Clone(one.things), func(th *thing) bool { return th.kind != kind || rest && !th.home.rest })
	return of[rng.IntN(len(of))]
}

// change writes or deletes a thing and notes what came of it; false when there was no answer.
func (one *writer) change(l *load, rng *rand.Rand, th *thing) bool {
	one.count++
	token := fmt.Sprintf("w%d-%d", one.number, one.count)
	era, home := th.home.moved(), th.home.path() // in this order: a move in between makes the request fail
	method, path, body := http.MethodPut, th.at(home), any(th.body(th.name, token))
	switch {
	case th.patch:
		method = http.MethodPatch
	case th.there() && rng.IntN(3) == 0:
		method, body, token = http.MethodDelete, nil, ""
		if th.detach != "" {
			path += "?" + th.detach
		}
	}
	a, answered := l.ask(rng, method, path, body)
	switch {
	case !answered:
		th.unanswered(token, era)
		return false
	case a.status == http.StatusNoContent && method == http.MethodDelete:
		if th.home.rest {
			l.complain("DELETE says that %s is not there, and it was acknowledged", th)
		}
		return true // its home is not there any more
	case !a.good():
		return true // refused: a group is locked by a move, or the home is not there any more
	}
	th.acknowledged(token, era)
	one.written[method+" "+th.kind.name]++
	signal(l.written)
	operation := a.operation()
	if operation == "" {
		return true
	}
	one.operations = append(one.operations, operation)
	last, done := l.follow(rng, operation)
	if done {
		one.operations = nil
		if !succeeded(last) {
			l.complain("%s %s ended with %d: %s", method, path, last.status, last.body)
		}
	}
	return done
}

// work moves what is on one side of a pair to the other, again and again.
func (p *pair) work(l *load, rng *rand.Rand) {
	for !l.over() {
		from := p.sides[rng.IntN(2)]
		to := p.sides[0]
		if from == to {
			to = p.sides[1]
		}
		var some []*place
		for _, candidate := range p.places {
			if candidate.where() == from && rng.IntN(4) > 0 {
				some = append(some, candidate)
			}
		}
		if len(some) > 0 && !p.move(l, rng, &order{places: some, from: from, to: to}) {
			return
		}
	}
}

// move carries out an order; false when its end is not known.
func (p *pair) move(l *load, rng *rand.Rand, o *order) bool {
	p.open = o
	a, answered := l.ask(rng, http.MethodPost, o.from+"/moveResources", o.body())
	if !answered {
		return false
	}
	if !a.good() {
		p.open = nil
		p.seen[a.code()]++
		return true
	}
	o.operation = a.operation()
	signal(l.moving)
	last, done := l.follow(rng, o.operation)
	if done {
		p.close(last)
	}
	return done
}

func (o *order) body() any {
	ids := make([]string, len(o.places))
	for i, one := range o.places {
		ids[i] = one.in(o.from)
	}
	return object{"resources": ids, "targetResourceGroup": o.to}
}

// close notes how the open move ended.
func (p *pair) close(last answer) {
	if last.status == http.StatusNoContent {
		p.moved++
		for _, one := range p.open.places {
			one.move(p.open.to)
		}
	} else {
		p.seen[refusals(last)]++
	}
	p.open = nil
}

// refusals names what a move was refused for.
func refusals(last answer) string {
	if last.body == nil {
		return "(not accepted before the kill)"
	}
	words := last.code()
	details, _ := value(last.doc(), "error.details").([]any)
	for _, detail := range details {
		inner, _ := detail.(map[string]any)
		words += " " + text(inner, "code")
	}
	return words
}
