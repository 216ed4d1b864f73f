package snapshot

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Finish completes the header (documents, digest, complete), makes the file durable and gives it its name.
func (w *Writer) Finish(ctx context.Context, h Header) (Header, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	h, err := w.seal(ctx, h)
	if err == nil {
		err = w.place()
	}
	if err != nil {
		return h, errors.Join(err, w.drop())
	}
	return h, nil
}

func (w *Writer) seal(ctx context.Context, h Header) (Header, error) {
	if err := w.flush(); err != nil {
		return h, err
	}
	digest, count, err := overall(ctx, w.db)
	if err != nil {
		return h, fault(w.path, "digest", err)
	}
	h.Format, h.Complete, h.Documents, h.Digest, h.Ended = Format, true, count, digest, h.Ended.UTC().Round(time.Millisecond)
	data, err := json.Marshal(h)
	if err != nil {
		return h, err
	}
	if _, err := w.db.ExecContext(ctx, "INSERT INTO header (name, value) VALUES ('header', ?)", string(data)); err != nil {
		return h, fault(w.path, "end", err)
	}
	return h, nil
}

// place closes the draft, syncs it, and gives it its name.
func (w *Writer) place() error {
	err := w.db.Close()
	w.db = nil
	if err == nil {
		err = syncPath(w.draft)
	}
	if err == nil {
		err = w.name()
	}
	if errors.Is(err, fs.ErrExist) {
		return exists(w.path)
	}
	if err == nil {
		err = syncPath(filepath.Dir(w.path))
	}
	if err != nil {
		return fault(w.path, "end", err)
	}
	return nil
}

// name gives the draft its name. A link never replaces what another capture wrote meanwhile; where the file system knows none, looking right before has to do.
func (w *Writer) name() error {
	if !w.overwrite {
		err := os.Link(w.draft, w.path)
		if err == nil {
			return os.Remove(w.draft)
		}
		if _, there := os.Lstat(w.path); there == nil {
			return fs.ErrExist
		}
	}
	return os.Rename(w.draft, w.path)
}

// syncPath makes one file or folder durable.
func syncPath(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// Abandon takes the draft away. After Finish it does nothing.
func (w *Writer) Abandon() error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.db == nil {
		return nil
	}
	return w.drop()
}

func (w *Writer) drop() error {
	if w.tx != nil {
		_ = w.tx.Rollback() // the file goes away
		w.tx = nil
	}
	if w.db != nil {
		_ = w.db.Close()
		w.db = nil
	}
	if err := os.Remove(w.draft); err != nil && !os.IsNotExist(err) {
		return fault(w.path, "take away the draft of", err)
	}
	return nil
}

// overall is the digest of all documents in the order of their keys, whatever the order in which they came.
func overall(ctx context.Context, db *sql.DB) (digest string, count int, err error) {
	rows, err := db.QueryContext(ctx, "SELECT section, key, digest FROM document ORDER BY section, key")
	if err != nil {
		return "", 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	hash := sha256.New()
	for rows.Next() {
		var section, key string
		var one []byte
		if err := rows.Scan(&section, &key, &one); err != nil {
			return "", 0, err
		}
		_, _ = fmt.Fprintf(hash, "%s\x00%s\x00%x\n", section, key, one) // a hash never fails
		count++
	}
	return hex.EncodeToString(hash.Sum(nil)), count, rows.Err()
}
