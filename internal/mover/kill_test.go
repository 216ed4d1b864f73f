package mover

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store/postgres/pgtest"
	"github.com/amlmove/amlmove/test/whole"
)

// A process of its own plays the run that the environment names, and kills itself at a moment of its journal.
const (
	playFolder    = "AMLMOVE_PLAY_FOLDER"
	playStage     = "AMLMOVE_PLAY_STAGE"
	playDatabase  = "AMLMOVE_PLAY_DATABASE"
	playKill      = "AMLMOVE_PLAY_KILL"
	playDirection = "AMLMOVE_PLAY_DIRECTION"
	playFail      = "AMLMOVE_PLAY_FAIL"
)

func TestPlayInAProcessOfItsOwn(t *testing.T) {
	folder := os.Getenv(playFolder)
	if folder == "" {
		t.Skip("it is started by the tests that kill it")
	}
	kill, err := strconv.Atoi(os.Getenv(playKill))
	if err != nil {
		t.Fatal(err)
	}
	var moments atomic.Int64
	o := Options{Actions: effects{stage: stage{os.Getenv(playStage)}, fail: map[string]bool{os.Getenv(playFail): true}}, Hook: func(string) {
		if moments.Add(1) == int64(kill) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}}
	if dsn := os.Getenv(playDatabase); dsn != "" {
		if o.Database, err = OpenPostgres(context.Background(), dsn); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = o.Database.Close() }()
	}
	direction := (*Run).Forward
	if os.Getenv(playDirection) == "back" {
		direction = (*Run).Back
	}
	record, err := perform(t, Folder{folder}, o, direction)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\nended as %s\n", record.State)
}

// player plays a run in a process of its own.
type player struct {
	folder   Folder
	stage    stage
	database string
	fail     string
}

// play returns the state in which the run ended, or killed=true.
func (p player) play(t *testing.T, direction string, kill int) (state State, killed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPlayInAProcessOfItsOwn$", "-test.v")
	cmd.Env = append(os.Environ(), playFolder+"="+p.folder.Path, playStage+"="+p.stage.dir, playDatabase+"="+p.database, playFail+"="+p.fail,
		playKill+"="+strconv.Itoa(kill), playDirection+"="+direction)
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return "", true
	}
	if err != nil {
		t.Fatalf("the player failed: %v\n%s", err, out)
	}
	_, rest, _ := strings.Cut(string(out), "ended as ")
	word, _, _ := strings.Cut(rest, "\n")
	return State(word), false
}

// everyMoment kills a run at each moment of its journal in turn, on a stage of its own each time, and lets check judge what a second process makes of it.
func everyMoment(t *testing.T, database string, fail string, check func(t *testing.T, p player)) {
	t.Helper()
	if testing.Short() {
		t.Skip("processes are killed in the run without -short")
	}
	stride := whole.Of(23, 7) // some moments, others each time a step is added
	if os.Getenv("AMLMOVE_NIGHTLY") != "" {
		stride = 1
	}
	for kill := 1; ; kill += stride {
		f, s := play(t, act())
		if database != "" {
			renameRun(t, f, fmt.Sprintf("contoso-%s-%d", map[bool]string{true: "f", false: "o"}[fail != ""], kill), database)
		}
		p := player{f, s, database, fail}
		if _, killed := p.play(t, "forward", kill); !killed {
			if kill < 30 {
				t.Fatalf("the journal of a whole run has only %d moments", kill)
			}
			return
		}
		check(t, p)
		if t.Failed() {
			t.Fatalf("killed at moment %d", kill)
		}
	}
}

func TestAKilledWayBackGoesOn(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("processes are killed in the run without -short")
	}
	for kill := 1; ; kill += 6 {
		f, s := play(t, act())
		fail := map[string]bool{"validate": true}
		if _, err := perform(t, f, Options{Actions: effects{stage: s, fail: fail}, NoRollback: true}, (*Run).Forward); err != nil {
			t.Fatal(err)
		}
		p := player{f, s, "", "validate"}
		if _, killed := p.play(t, "back", kill); !killed {
			if kill < 12 {
				t.Fatalf("the journal of a whole way back has only %d moments", kill)
			}
			return
		}
		if state, killed := p.play(t, "forward", 0); killed || state != RolledBack {
			t.Fatalf("killed at moment %d of its way back and resumed, the run is %s", kill, state)
		}
		wantEffects(t, s)
	}
}

// renameRun gives a run another id, and lets it be kept in a PostgreSQL, which many runs share.
func renameRun(t *testing.T, f Folder, id, database string) {
	t.Helper()
	meta, err := f.Meta()
	if err != nil {
		t.Fatal(err)
	}
	meta.ID, meta.Database = id, Masked(database)
	if err := f.WriteJSON(RunFile, meta); err != nil {
		t.Fatal(err)
	}
}

var pg = pgtest.Server{NoSync: true}

func TestMain(m *testing.M) { os.Exit(pg.Main(m)) }

func onBothEngines(t *testing.T, test func(t *testing.T, database string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { t.Parallel(); test(t, "") })
	t.Run("PostgreSQL", func(t *testing.T) { t.Parallel(); test(t, pg.Database(t)) })
}

func TestAKilledRunGoesOnToTheSameEnd(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, database string) {
		everyMoment(t, database, "", func(t *testing.T, p player) {
			if state, killed := p.play(t, "forward", 0); killed || state != Done {
				t.Errorf("resumed, the run is %s", state)
			}
			wantEffects(t, p.stage, names(act())...)
		})
	})
}

func TestAKilledRunCanGoBackUntilItHasMoved(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, database string) {
		everyMoment(t, database, "validate", func(t *testing.T, p player) {
			state, killed := p.play(t, "back", 0)
			if killed || state != RolledBack && state != Canceled {
				t.Errorf("taken back, the run is %s", state)
			}
			wantEffects(t, p.stage)
		})
	})
}
