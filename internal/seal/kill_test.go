package seal

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

// TestMain lets the test binary be the writer that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv("AMLMOVE_TEST_WRITER"); path != "" {
		fmt.Fprintln(os.Stderr, writeForever(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever puts one secret after the other and says each one that is kept.
func writeForever(path string) error {
	key, err := age.ParseX25519Identity(os.Getenv("AMLMOVE_TEST_KEY"))
	if err != nil {
		return err
	}
	box, err := Open(path, key)
	if err != nil {
		return err
	}
	filler := Secret(`"` + strings.Repeat(canary, 5000) + `"`)
	for n := 0; ; n++ {
		if err := box.Put(fmt.Sprintf("secret-%06d", n%20), filler); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

func TestWhoeverIsKilledWhileWritingLeavesWhatWasKept(t *testing.T) {
	t.Parallel()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for kept := 1; kept <= 9; kept += 2 {
		path := filepath.Join(t.TempDir(), "secrets.age")
		writer := exec.Command(os.Args[0]) //nolint:gosec // it is this test
		writer.Env = append(os.Environ(), "AMLMOVE_TEST_WRITER="+path, "AMLMOVE_TEST_KEY="+key.String())
		out, err := writer.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var trouble bytes.Buffer
		writer.Stderr = &trouble
		if err := writer.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < kept && lines.Scan(); n++ {
		}
		_ = writer.Process.Kill()
		_ = writer.Wait() // killed
		box, err := Open(path, key)
		if err != nil {
			t.Fatalf("D10 killed after %d secrets: %v (%s)", kept, err, &trouble)
		}
		if got := len(box.Names()); got < kept {
			t.Errorf("D10 %d secrets were said to be kept, and %d are there (%s)", kept, got, &trouble)
		}
		if err := box.Put("after", Secret(`1`)); err != nil {
			t.Errorf("the file cannot be written any more: %v", err)
		}
	}
}

func TestManyAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	box, path, key := newBox(t)
	done := make(chan error, 20)
	for n := range cap(done) {
		go func() { done <- box.Put(fmt.Sprintf("name-%d", n), Secret(`"x"`)) }()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	again, err := Open(path, key)
	if err != nil || len(again.Names()) != cap(done)+1 {
		t.Errorf("%v, %d names", err, len(again.Names()))
	}
	drafts, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".sealed-*"))
	if err != nil || len(drafts) != 0 {
		t.Errorf("drafts are left: %v %v", drafts, err)
	}
}

func TestTwoWhoMakeTheKeyAtOnceHaveTheSame(t *testing.T) {
	t.Setenv("AMLMOVE_SEAL_KEY", "")
	file := filepath.Join(t.TempDir(), "deep", "seal.key")
	keys := make(chan string, 8)
	for range cap(keys) {
		go func() {
			key, err := Key(file)
			if err != nil {
				keys <- err.Error()
				return
			}
			keys <- key.String()
		}()
	}
	first := <-keys
	for range cap(keys) - 1 {
		if other := <-keys; other != first || !strings.HasPrefix(other, "AGE-SECRET-KEY-") {
			t.Error("two have different keys, or none: what one seals the other cannot open")
		}
	}
}

func TestAKeyThatMayNotBeReadIsNamed(t *testing.T) {
	t.Setenv("AMLMOVE_SEAL_KEY", "")
	folder := t.TempDir() // a folder in the place of the file cannot be read, whoever asks
	if _, err := Key(folder); err == nil || !strings.Contains(err.Error(), folder) {
		t.Errorf("got %v", err)
	}
}
