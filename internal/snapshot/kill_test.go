package snapshot

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
)

// childEnv names the file that a test binary, started again as a child, writes for ever.
const childEnv = "AMLMOVE_SNAPSHOT_CHILD"

// TestChildWrites is no test: it is what the killed process does.
func TestChildWrites(t *testing.T) {
	path := os.Getenv(childEnv)
	if path == "" {
		t.Skip("only as the child of TestAKilledCaptureLeavesNothingThatLooksWhole")
	}
	w, err := Create(t.Context(), path, true)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		if i%1000 == 0 {
			fmt.Println("written", i)
		}
		add(t, w, fmt.Sprintf("/d/%d", i), `{"properties":{"text":"`+strings.Repeat("x", 500)+`"}}`)
	}
}

func TestAKilledCaptureLeavesNothingThatLooksWhole(t *testing.T) {
	t.Parallel()
	for _, after := range []string{"written 0", "written 1000", "written 4000"} {
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "w.snap")
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChildWrites$", "-test.v")
			child.Env = append(os.Environ(), childEnv+"="+path)
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != after; {
			}
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = child.Wait() // it was killed
			if _, err := Open(t.Context(), path); !errs.Is(err, errs.NotFound) {
				t.Errorf("the file itself: %v", err)
			}
			for _, name := range files(t, dir) {
				snap, err := Open(t.Context(), filepath.Join(dir, name))
				if err == nil {
					_ = snap.Close()
					t.Fatalf("%s looks whole", name)
				}
				if e := errs.As(err); e == nil || e.Hint == "" {
					t.Errorf("%s: %v", name, err)
				}
			}
			write(t, path, "/x", "{}")
			if err := open(t, path).Verify(t.Context()); err != nil {
				t.Errorf("captured again: %v", err)
			}
			if left := files(t, dir); !slices.Equal(left, []string{"w.snap"}) {
				t.Errorf("the draft of the killed capture stays for ever: %v", left)
			}
		})
	}
}
