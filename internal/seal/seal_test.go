package seal

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/amlmove/amlmove/internal/errs"
)

const canary = "s3cr3t-canary-value"

func newBox(t *testing.T) (*Box, string, *age.X25519Identity) {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "secrets.age")
	b, err := Open(path, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Put("/Subscriptions/S/x", Secret(`{"key":"`+canary+`"}`)); err != nil {
		t.Fatal(err)
	}
	return b, path, key
}

func TestASealedSecretComesBackAndIsReadableNowhere(t *testing.T) {
	t.Parallel()
	_, path, key := newBox(t)
	data, err := os.ReadFile(path)
	if err != nil || bytes.Contains(data, []byte(canary)) {
		t.Fatalf("D10 the secret stands in the file, or there is none: %v", err)
	}
	again, err := Open(path, key)
	if err != nil {
		t.Fatal(err)
	}
	if secret, ok := again.Get("/subscriptions/s/X"); !ok || !bytes.Contains(secret, []byte(canary)) {
		t.Error("the secret does not come back under its name, whatever its case")
	}
	if names := again.Names(); len(names) != 1 || names[0] != "/subscriptions/s/x" {
		t.Errorf("the names are %v", names)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read the file: %v %v", info.Mode(), err)
	}
}

func TestAnotherKeyDoesNotOpenAndTellsNothing(t *testing.T) {
	t.Parallel()
	_, path, _ := newBox(t)
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, other); !errs.Is(err, errs.Denied) || strings.Contains(err.Error(), canary) {
		t.Errorf("another key was answered with %v", err)
	}
}

func TestADamagedFileIsNamedAndNotWrittenOver(t *testing.T) {
	t.Parallel()
	_, path, key := newBox(t)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 10, len(data) / 2, len(data) - 1} {
		if err := os.WriteFile(path, data[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, key); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("a file cut off after %d of %d bytes was answered with %v", n, len(data), err)
		}
		if now, _ := os.ReadFile(path); len(now) != n {
			t.Error("a damaged file was written over")
		}
	}
}

func TestAFailedWriteKeepsTheOldSecrets(t *testing.T) {
	t.Parallel()
	b, path, key := newBox(t)
	if err := os.Rename(filepath.Dir(path), filepath.Dir(path)+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := b.Put("another", Secret(`"x"`)); !errs.Is(err, errs.Unavailable) {
		t.Fatalf("writing into a folder that is gone was answered with %v", err)
	}
	if _, ok := b.Get("another"); ok {
		t.Error("a secret that is not on disk is told to be kept")
	}
	if err := os.Rename(filepath.Dir(path)+"-away", filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	if again, err := Open(path, key); err != nil || len(again.Names()) != 1 {
		t.Errorf("the old secrets are gone: %v", err)
	}
}

func TestTheKeyIsMadeOnceForItsOwnerOnly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "amlmove", "seal.key")
	t.Setenv("AMLMOVE_SEAL_KEY", "")
	first, err := Key(file)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Key(file)
	if err != nil || first.String() != second.String() {
		t.Fatalf("the key changed, or cannot be read: %v", err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode of the key is %v, %v", info.Mode(), err)
	}
	t.Setenv("AMLMOVE_SEAL_KEY", first.String())
	if given, err := Key(filepath.Join(t.TempDir(), "none")); err != nil || given.String() != first.String() {
		t.Errorf("the key of the environment is not taken: %v", err)
	}
	t.Setenv("AMLMOVE_SEAL_KEY", "AGE-SECRET-KEY-"+canary)
	if _, err := Key(file); err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("a key that is none was answered with %v", err)
	}
}
