package snapshot

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
)

// numbered are so many documents, and an error behind them if there is one. left tells when whoever reads them has let go.
func numbered(count int, end error, left *bool) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		defer func() { *left = true }()
		for n := range count {
			if !yield(Document{ID: fmt.Sprint(n)}, nil) {
				return
			}
		}
		if end != nil {
			yield(Document{}, end)
		}
	}
}

func TestAhead(t *testing.T) {
	t.Parallel()
	mine := errors.New("mine")
	id := func(d Document) (string, error) { return d.ID, nil }
	for _, c := range []struct {
		name    string
		count   int
		end     error
		prepare func(Document) (string, error)
		most    int // the consumer stops behind so many; 0: never
		want    int
		err     error
	}{
		{"nothing", 0, nil, id, 0, 0, nil},
		{"one", 1, nil, id, 0, 1, nil},
		{"a batch to the brim", aheadSize, nil, id, 0, aheadSize, nil},
		{"more than fits ahead", 10 * aheadBy * aheadSize, nil, id, 0, 10 * aheadBy * aheadSize, nil},
		{"an error of the file comes where it is", 100, mine, id, 0, 100, mine},
		{"an error of a document comes where it is, and ends it", 100, nil, func(d Document) (string, error) {
			if d.ID == "70" {
				return "", mine
			}
			return d.ID, nil
		}, 0, 70, mine},
		{"a consumer that stops at once", 10000, nil, id, 1, 1, nil},
		{"a consumer that stops later", 10000, mine, id, 3 * aheadSize, 3 * aheadSize, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			left := false
			var seen []string
			var failed error
			for id, err := range Ahead(numbered(c.count, c.end, &left), c.prepare) {
				if err != nil {
					failed = err
					continue // an error ends the sequence whatever the consumer wants
				}
				if seen = append(seen, id); len(seen) == c.most {
					break
				}
			}
			if !left {
				t.Error("somebody still reads the documents")
			}
			var want []string
			for n := range c.want {
				want = append(want, fmt.Sprint(n))
			}
			if !slices.Equal(seen, want) || !errors.Is(failed, c.err) {
				t.Errorf("got %d documents in some order and %v, want %d in order and %v", len(seen), failed, c.want, c.err)
			}
		})
	}
}
