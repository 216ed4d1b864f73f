package verify

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/rewrite"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// A comparison of a huge workspace stays within a memory that does not grow with it (design, section 6; pain 47). AMLMOVE_NIGHTLY=1 takes 200,000 documents, otherwise it is 5,000.
func TestTheMemoryOfAComparisonIsBounded(t *testing.T) {
	count, limit := 5_000, int64(48<<20)
	if os.Getenv("AMLMOVE_NIGHTLY") != "" {
		count = 200_000
	}
	before, after := huge(t, oldSpace, count), huge(t, newSpace, count)
	runtime.GC()
	debug.SetMemoryLimit(limit) // what is garbage is not to be counted as use
	defer debug.SetMemoryLimit(-1)
	peak, stop, ended := uint64(0), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
		}
	}()
	r, err := Compare(t.Context(), before, after, rewrite.New([]arm.ID{parsed(t, oldSpace)}, parsed(t, newGroup)), Options{})
	close(stop)
	<-ended
	if err != nil {
		t.Fatal(err)
	}
	if r.Compared != count+1 || r.Verdict != Clean || r.Renamed != count+1 {
		t.Errorf("got %s: %d compared, %d renamed, want %d", r.Verdict, r.Compared, r.Renamed, count+1)
	}
	if peak > 96<<20 {
		t.Errorf("the heap grew to %d MB with %d documents", peak>>20, count)
	}
	t.Logf("%d documents: at most %d MB", count, peak>>20)
}

// huge writes a workspace with many jobs and models.
func huge(t *testing.T, workspace string, count int) *snapshot.Snapshot {
	t.Helper()
	path := filepath.Join(t.TempDir(), "huge.snap")
	w, err := snapshot.Create(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	add := func(id, body string) {
		if err := w.Add(t.Context(), snapshot.Document{Section: snapshot.Content, ID: id, Type: parsed(t, id).Type(), Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	add(workspace, `{"properties":{"workspaceId":"guid-1"}}`)
	for i := range count {
		id := fmt.Sprintf("%s/jobs/job-%d", workspace, i)
		if i%2 == 1 {
			id = fmt.Sprintf("%s/models/model-%d/versions/%d", workspace, i%100, i)
		}
		add(id, fmt.Sprintf(`{"id":%q,"properties":{"computeId":"%s/computes/c","inputs":{"data":{"uri":"%s/data/d/versions/%d"}},"tags":{"number":"%d"},"status":"Completed"}}`, id, workspace, oldSpace, i, i))
	}
	if _, err := w.Finish(t.Context(), snapshot.Header{WorkspaceID: workspace}); err != nil {
		t.Fatal(err)
	}
	return opened(t, path)
}
