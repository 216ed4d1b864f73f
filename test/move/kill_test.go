package move

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"filippo.io/age"

	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/seal"
	"github.com/amlmove/amlmove/test/whole"
)

// A process of its own drives the run that the environment names, and kills itself at a moment of its journal.
const (
	killCloud  = "AMLMOVE_KILL_CLOUD"
	killFolder = "AMLMOVE_KILL_FOLDER"
	killKey    = "AMLMOVE_KILL_KEY"
	killMoment = "AMLMOVE_KILL_MOMENT"
	killStore  = "AMLMOVE_KILL_STORE" // of the journal: empty is the file of the run
)

func TestDriveInAProcessOfItsOwn(t *testing.T) {
	if os.Getenv(killFolder) == "" {
		t.Skip("it is started by the test that kills it")
	}
	moment, err := strconv.ParseInt(os.Getenv(killMoment), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	client, err := connect(os.Getenv(killCloud))
	if err != nil {
		t.Fatal(err)
	}
	key, err := age.ParseX25519Identity(os.Getenv(killKey))
	if err != nil {
		t.Fatal(err)
	}
	folder := mover.Folder{Path: os.Getenv(killFolder)}
	box, err := seal.Open(folder.File(mover.SecretsFile), key)
	if err != nil {
		t.Fatal(err)
	}
	database, err := journal(os.Getenv(killStore))
	if err != nil {
		t.Fatal(err)
	}
	var moments atomic.Int64
	run, err := mover.Open(context.Background(), mover.Options{Folder: folder, Client: client, Secrets: box, Clock: quick{}, Database: database, Hook: func(string) {
		if moments.Add(1) == moment {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	record, err := run.Forward(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\nended as %s after %d moments\n", record.State, moments.Load())
}

// journal opens the PostgreSQL in which the journal is; nil when it is in the run's own file.
func journal(dsn string) (*mover.Database, error) {
	if dsn == "" {
		return nil, nil
	}
	return mover.OpenPostgres(context.Background(), dsn)
}

// driveAway drives a run in a process that is killed at a moment of its journal; killed is false when it ended before.
func (w *world) driveAway(t *testing.T, f mover.Folder, dsn string, moment int) (killed bool, said string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDriveInAProcessOfItsOwn$", "-test.v")
	cmd.Env = append(os.Environ(), killCloud+"="+w.cloud.Dir, killFolder+"="+f.Path, killKey+"="+w.key.String(), killMoment+"="+strconv.Itoa(moment), killStore+"="+dsn)
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return true, ""
	}
	if err != nil {
		t.Fatalf("the driver failed: %v\n%s", err, out)
	}
	_, rest, _ := strings.Cut(string(out), "ended as ")
	said, _, _ = strings.Cut(rest, "\n")
	return false, said
}

// lastMoment is about how many moments the journal of the whole move of contoso has.
const lastMoment = 1000

// TestAKilledMoveGoesOnToTheSameEnd kills the whole move of contoso at moments of its journal, several times in a row, and lets another process go on; every other run has its journal in PostgreSQL.
func TestAKilledMoveGoesOnToTheSameEnd(t *testing.T) {
	t.Parallel()
	runs := whole.Of(2, 4)
	if os.Getenv("AMLMOVE_NIGHTLY") != "" {
		runs = 200
	}
	for seed := range runs {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			dsn := ""
			if seed%2 == 1 {
				dsn = pg.Database(t)
			}
			database, err := journal(dsn)
			if err != nil {
				t.Fatal(err)
			}
			if database != nil {
				t.Cleanup(func() { _ = database.Close() })
			}
			random := rand.New(rand.NewPCG(uint64(seed), 7)) //nolint:gosec // repeatable
			w := newWorld(t)
			before, keys := w.census(t, w.workspace.Group()), w.keysOf(t, w.workspace.String()+"/onlineEndpoints/contoso-fraud")
			f := w.beginIn(t, w.plan(t, decided("all")), dsn)
			for range 3 {
				if killed, _ := w.driveAway(t, f, dsn, 1+random.IntN(lastMoment/2)); !killed {
					break
				}
			}
			if killed, said := w.driveAway(t, f, dsn, 0); killed || !strings.HasPrefix(said, "done ") {
				t.Errorf("resumed, the run ended as %q", said)
			}
			record := w.drive(t, f, mover.Options{Database: database}, (*mover.Run).Forward)
			if record.State != mover.Done {
				t.Fatalf("the run is %s: %s", record.State, record.Reason)
			}
			sameCensus(t, before, w.census(t, w.target.Name()))
			if now := w.keysOf(t, append(w.target, w.workspace[2:]...).String()+"/onlineEndpoints/contoso-fraud"); now != keys {
				t.Error("S10 the endpoint has other keys than before")
			}
			w.unlocked(t)
		})
	}
}
