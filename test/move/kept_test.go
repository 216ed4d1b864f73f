package move

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
)

// TestARunIsCarriedOnOnlyWhereItIsKept stops a run before the move. In another database it would begin anew, or look as if it had never begun (D4); what a person wants to be taken back is
// no failure when it is. Its key of sealed secrets is its own: the test is not parallel.
func TestARunIsCarriedOnOnlyWhereItIsKept(t *testing.T) {
	dsn := pg.Database(t)
	w := newWorld(t)
	t.Setenv("AMLMOVE_SEAL_KEY", w.key.String())
	t.Setenv("AMLMOVE_ENDPOINT", w.cloud.Dir)
	t.Chdir(w.dir)
	p := w.plan(t, decided("all"))
	if err := plan.Write("p.json", p, true); err != nil {
		t.Fatal(err)
	}
	w.refuse(t, plan.Move)
	want(t, 1, "The run is failed", "apply", "p.json", "--yes", "--no-rollback")
	run := mover.IDOf(p)
	want(t, 0, "failed", "status", run, "--db", dsn)
	want(t, 1, "its own folder", "resume", run, "--db", dsn)
	want(t, 1, "its own folder", "apply", "p.json", "--yes", "--db", dsn)
	want(t, 0, "failed", "status", run)
	want(t, 0, "taken back, and the source is as it was, but for ", "rollback", run)
	want(t, 0, "what the job has done so far", "rollback", run)
	want(t, 0, "was taken back", "report", run)
	want(t, 1, "has not moved", "verify", run)
	folder := mover.Folder{Path: filepath.Join(".amlmove", "runs", run)}
	w.sameSource(t, folder.File(mover.BeforeFile))

	if err := os.Remove(folder.File(mover.ReportFile)); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(folder.File(mover.ReportFile), "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if code, out, stderr := typed(t, "", "cancel", run, "-o", "json"); code != 1 || !json.Valid([]byte(out)) || stderr == "" {
		t.Errorf("how a run ended is not told when its report cannot be written: %d %s %s", code, out, stderr)
	}

	meta, err := folder.Meta()
	if err != nil {
		t.Fatal(err)
	}
	meta.Database = "postgres://me@elsewhere.example/moves"
	if err := folder.WriteJSON(mover.RunFile, meta); err != nil {
		t.Fatal(err)
	}
	want(t, 1, "say --db", "apply", "p.json", "--yes")
	want(t, 1, "elsewhere.example", "resume", run, "--db", dsn)
}
