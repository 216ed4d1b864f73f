package capture

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// What the child is told.
const (
	childCloud = "AMLMOVE_CAPTURE_CLOUD" // folder of the cloud
	childFile  = "AMLMOVE_CAPTURE_FILE"
	childAfter = "AMLMOVE_CAPTURE_AFTER" // documents
)

// TestChildCaptures is no test: it is the capture that kills itself, as kill -9 does, when it has written so many documents.
func TestChildCaptures(t *testing.T) {
	if os.Getenv(childCloud) == "" {
		t.Skip("only as the child of TestAKilledCaptureLeavesNoFile")
	}
	after, err := strconv.ParseInt(os.Getenv(childAfter), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	place, err := azure.FindPlace(os.Getenv(childCloud))
	if err != nil {
		t.Fatal(err)
	}
	client, err := azure.Connect(place)
	if err != nil {
		t.Fatal(err)
	}
	w, err := snapshot.Create(t.Context(), os.Getenv(childFile), false)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	now := func() time.Time { // asked for at the begin, for every document, and at the end
		if asked.Add(1) > after {
			_ = self.Kill()
			select {} // until the kernel has done it
		}
		return time.Now()
	}
	_, err = capture.Run(t.Context(), capture.Options{Client: client, Workspace: parse(t, workspace), Target: parse(t, target), Now: now}, w)
	t.Fatalf("the capture ended before it was killed: %v", err)
}

func TestAKilledCaptureLeavesNoFile(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t, cloudtest.Fixture("contoso"))
	for _, after := range []int{1, 100, 500, 780} {
		t.Run(strconv.Itoa(after), func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "w.snap")
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChildCaptures$")
			child.Env = append(os.Environ(), childCloud+"="+c.Dir, childFile+"="+path, childAfter+"="+strconv.Itoa(after))
			out, err := child.CombinedOutput()
			if err == nil || child.ProcessState.ExitCode() != -1 {
				t.Fatalf("the child was not killed: %v %s", err, out)
			}
			if _, err := snapshot.Open(t.Context(), path); !errs.Is(err, errs.NotFound) {
				t.Errorf("the file: %v", err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range entries {
				if snap, err := snapshot.Open(t.Context(), filepath.Join(dir, entry.Name())); err == nil {
					_ = snap.Close()
					t.Errorf("%s looks whole", entry.Name())
				}
			}
		})
	}
}
