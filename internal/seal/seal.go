// Package seal keeps secrets at rest (D10): one file, encrypted with age, that is written anew and renamed at every change. The key is not in the run's folder,
// so that a folder can be handed to support. It knows no workspace; it stands on errs.
package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"filippo.io/age"

	"github.com/amlmove/amlmove/internal/errs"
)

// Secret is what a listing of secrets answered, or what a person gave.
type Secret = json.RawMessage

// Box is an open file of secrets. It is safe for concurrent use by one process.
type Box struct {
	path string
	key  *age.X25519Identity

	mutex   sync.Mutex
	secrets map[string]Secret
}

// Key reads the key that seals the runs of this person, or makes it: AMLMOVE_SEAL_KEY (an AGE-SECRET-KEY-...), else a file that only its owner may read.
func Key(file string) (*age.X25519Identity, error) {
	text := os.Getenv("AMLMOVE_SEAL_KEY")
	if text == "" {
		data, err := os.ReadFile(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return newKey(file)
		case err != nil:
			return nil, errs.Wrap(errs.Invalid, "SealKey", err, "the key %s cannot be read", file).At(file).Advise("set AMLMOVE_SEAL_KEY, or mend the owner and mode of the file")
		}
		text = string(data)
	}
	key, err := age.ParseX25519Identity(strings.TrimSpace(text))
	if err != nil {
		// The cause is left out: it may show a part of the key.
		return nil, errs.New(errs.Invalid, "SealKey", "the key of sealed secrets is no age key (AGE-SECRET-KEY-...)").At(file).Advise("look at AMLMOVE_SEAL_KEY, or at %s", file)
	}
	return key, nil
}

// newKey makes a key and keeps it. Another process that does the same at once wins or loses whole.
func newKey(file string) (*age.X25519Identity, error) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, errs.Wrap(errs.Invalid, "SealKey", err, "the folder of the key %s cannot be made", file).At(file).Advise("set AMLMOVE_SEAL_KEY")
	}
	draft, err := os.CreateTemp(filepath.Dir(file), ".key-*") // readable for its owner only
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, "SealKey", err, "the key %s cannot be written", file).At(file).Advise("set AMLMOVE_SEAL_KEY")
	}
	_, err = io.WriteString(draft, key.String()+"\n")
	err = errors.Join(err, draft.Sync(), draft.Close())
	if err == nil {
		err = os.Link(draft.Name(), file) // fails when somebody else was first
	}
	_ = os.Remove(draft.Name())
	if errors.Is(err, fs.ErrExist) {
		return Key(file)
	}
	return key, err
}

// Open opens the box at a path, or begins an empty one. Denied when it was sealed with another key.
func Open(path string, key *age.X25519Identity) (*Box, error) {
	b := &Box{path: path, key: key, secrets: map[string]Secret{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, "SealedFile", err, "the sealed secrets %s cannot be read", path).At(path)
	}
	plain, err := age.Decrypt(bytes.NewReader(data), key)
	if _, other := errors.AsType[*age.NoIdentityMatchError](err); other {
		return nil, errs.Wrap(errs.Denied, "SealedFile", err, "the sealed secrets %s do not open with this key", path).At(path).
			Advise("use the key with which the run was begun: AMLMOVE_SEAL_KEY, or the key file of the person who began it")
	}
	if err == nil {
		err = json.NewDecoder(plain).Decode(&b.secrets)
	}
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, "SealedFile", err, "the sealed secrets %s are damaged", path).At(path).Advise("put back a copy of the file as it was; nothing else holds what is in it")
	}
	return b, nil
}

// Put keeps a secret under a name, for good: when Put returns, it is on disk.
func (b *Box) Put(name string, secret Secret) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	next := maps.Clone(b.secrets)
	next[strings.ToLower(name)] = slices.Clone(secret)
	if err := b.write(next); err != nil {
		return err
	}
	b.secrets = next
	return nil
}

// Get returns a secret, and whether it is there.
func (b *Box) Get(name string) (Secret, bool) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	secret, ok := b.secrets[strings.ToLower(name)]
	return slices.Clone(secret), ok
}

// Names are the names of the secrets, sorted.
func (b *Box) Names() []string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return slices.Sorted(maps.Keys(b.secrets))
}

// write seals all secrets into a new file and puts it in the place of the old one.
func (b *Box) write(secrets map[string]Secret) error {
	plain, err := json.Marshal(secrets)
	if err != nil {
		return err
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, b.key.Recipient())
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = replace(b.path, sealed.Bytes())
	}
	if err != nil {
		return errs.Wrap(errs.Unavailable, "SealedFile", err, "the sealed secrets %s cannot be written", b.path).At(b.path).Advise("check the free space and the owner of the folder")
	}
	return nil
}

// replace writes a file whole or not at all.
func replace(path string, data []byte) error {
	draft, err := os.CreateTemp(filepath.Dir(path), ".sealed-*")
	if err != nil {
		return err
	}
	_, err = draft.Write(data)
	err = errors.Join(err, draft.Sync(), draft.Close())
	if err == nil {
		err = os.Rename(draft.Name(), path)
	}
	if err != nil {
		_ = os.Remove(draft.Name())
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
