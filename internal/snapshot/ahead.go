package snapshot

import "iter"

// aheadBy is how many batches of how many documents Ahead is ahead of its consumer.
const (
	aheadBy   = 16
	aheadSize = 64
)

// Ahead goes through documents while another goroutine reads the next ones and prepares them: reading and parsing a large snapshot then takes no longer than working on it. The
// sequence ends at the first error; a consumer that stops early ends the other side, and it is over when the loop is.
func Ahead[T any](documents iter.Seq2[Document, error], prepare func(Document) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		stop, batches := make(chan struct{}), make(chan []prepared[T], aheadBy)
		go func() {
			defer close(batches)
			send(documents, prepare, batches, stop)
		}()
		defer func() {
			close(stop)
			for range batches { // until the other side has let go of the snapshot
			}
		}()
		for batch := range batches {
			for _, p := range batch {
				if !yield(p.value, p.err) || p.err != nil {
					return
				}
			}
		}
	}
}

type prepared[T any] struct {
	value T
	err   error
}

// send prepares documents in batches until somebody says stop.
func send[T any](documents iter.Seq2[Document, error], prepare func(Document) (T, error), batches chan<- []prepared[T], stop <-chan struct{}) {
	var batch []prepared[T]
	flush := func() bool {
		full := batch
		batch = nil
		select {
		case batches <- full:
			return true
		case <-stop:
			return false
		}
	}
	for d, err := range documents {
		var p prepared[T]
		if p.err = err; err == nil {
			p.value, p.err = prepare(d)
		}
		if batch = append(batch, p); p.err != nil {
			break
		}
		if len(batch) >= aheadSize && !flush() {
			return
		}
	}
	if len(batch) > 0 {
		flush()
	}
}
