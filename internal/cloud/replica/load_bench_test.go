package replica_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/replica"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
)

// BenchmarkLoad loads a workspace of about 10,000 documents into an empty store: documents a second. AMLMOVE_SNAPSHOT names another snapshot.
func BenchmarkLoad(b *testing.B) {
	path := os.Getenv("AMLMOVE_SNAPSHOT")
	if path == "" {
		c := cloudtest.Start(b, cloudtest.Fixture("contoso"), cloudtest.Scale(21))
		path = written(b, c, "contoso-ml", "/subscriptions/"+c.Subscriptions[1]+"/resourceGroups/ml-prod-rg")
	}
	snap := open(b, path)
	var took time.Duration
	for b.Loop() {
		b.StopTimer()
		st, err := sqlite.Scratch(b.Context(), filepath.Join(b.TempDir(), "cloud.db"))
		if err != nil {
			b.Fatal(err)
		}
		inner, err := cloud.Start(b.Context(), cloud.Options{Store: st})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		begun := time.Now()
		if _, err := replica.Load(b.Context(), snap, fixture.Target{Store: st, Tree: inner.Tree, Types: cloud.Types(), Now: time.Now}, replica.Options{}); err != nil {
			b.Fatal(err)
		}
		took += time.Since(begun)
		b.StopTimer()
		_ = inner.Close()
		_ = st.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(snap.Header.Documents)*float64(b.N)/took.Seconds(), "docs/s")
}
