package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/amlmove/amlmove/internal/cloud/store/sqlite/lite"
	"github.com/amlmove/amlmove/internal/errs"
)

// applicationID marks our files ("AMLc"); it stands in the header next to the schema version.
const applicationID = 0x414d4c63

// Settings of every connection: little memory for each, nothing spilled to files, no trust in a schema from elsewhere.
const (
	anyConn   = `PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;`
	writeConn = `PRAGMA cache_size = -8000; PRAGMA journal_size_limit = 67108864;`
	readConn  = `PRAGMA query_only = ON; PRAGMA cache_size = -2000;`
)

// care is how a file is written.
type care string

const (
	// kept outlives power loss: the log is synced for each group of commits (durable), and NORMAL does the rest: it orders what is written back into the file. fullfsync
	// makes macOS mean it. The pages are small: a commit writes whole ones.
	kept care = `PRAGMA page_size = 4096; PRAGMA synchronous = NORMAL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; PRAGMA wal_autocheckpoint = 2000;`
	// scratch is gone with its process. Large pages hold several documents each: there are fewer to write and to find.
	scratch care = `PRAGMA page_size = 16384; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 500;`
)

// resolve gives a file one name, whatever links lead to it: two names would mean two locks.
func resolve(path string) (string, error) {
	if path == "" {
		return "", errs.New(errs.Invalid, "StorePathInvalid", "the store needs the name of a file")
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return "", errs.Wrap(errs.Invalid, "StorePathInvalid", err, "the name %q of the store cannot be resolved", path)
	}
	if direct, err := filepath.EvalSymlinks(full); err == nil {
		return direct, nil
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(full))
	if err != nil {
		return "", errs.Wrap(errs.Invalid, "StoreFolderMissing", err, "the folder of the store %s cannot be used", full).
			At(full).Advise("create the folder first")
	}
	return filepath.Join(folder, filepath.Base(full)), nil
}

// openWriter opens the file for writing: it checks before it touches, creates what is missing and migrates what is old.
func openWriter(path string, how care) (*lite.Conn, error) {
	err := checkHeader(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = create(path, how)
	}
	if err != nil {
		return nil, err
	}
	conn, err := open(path, string(how)+writeConn)
	if err != nil {
		return nil, err
	}
	if err := migrate(conn, path); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

func openReader(path string) (*lite.Conn, error) { return open(path, readConn) }

func open(path, settings string) (*lite.Conn, error) {
	conn, err := lite.Open(path)
	if err == nil {
		if err = conn.Exec(anyConn + settings); err != nil {
			_ = conn.Close()
		}
	}
	if err != nil {
		return nil, fault(path, "open", err)
	}
	return conn, nil
}

// checkHeader looks at the first bytes of the file before SQLite does, so that a file which is not ours is not touched.
// It may be called only before the first connection: closing a file drops the locks that SQLite holds on it.
func checkHeader(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		return errs.Wrap(errs.Unavailable, "StoreUnreadable", err, "the store %s cannot be opened", path).At(path).
			Advise("check the owner and mode of the file")
	}
	defer func() { _ = file.Close() }()
	header := make([]byte, 100)
	if _, err := io.ReadFull(file, header); err != nil || string(header[:16]) != "SQLite format 3\x00" {
		return foreign(path, "is no SQLite database, or only the beginning of one")
	}
	if id := binary.BigEndian.Uint32(header[68:]); id != applicationID {
		return foreign(path, fmt.Sprintf("belongs to another program (application id %#x)", id))
	}
	return checkVersion(path, int64(binary.BigEndian.Uint32(header[60:])))
}

func foreign(path, what string) error {
	return errs.New(errs.Invalid, "StoreForeign", "the file %s %s; it was not touched", path, what).At(path).
		Advise("name another file, or restore this one from a backup")
}

// create makes the file under another name and moves it to its place when it is whole, so a store is there or is not.
func create(path string, how care) error {
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		return errs.New(errs.Invalid, "StoreMissing", "the store %s is not there, but its log %s-wal is; nothing was touched", path, path).
			At(path).Advise("put the file back, or remove the log to start anew")
	}
	draft := path + ".new"
	for _, old := range []string{draft, draft + "-wal", draft + "-shm"} {
		if err := os.Remove(old); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return cannotCreate(path, err)
		}
	}
	file, err := os.OpenFile(draft, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return cannotCreate(path, err)
	}
	if err := file.Close(); err != nil {
		return cannotCreate(path, err)
	}
	if err := fill(draft, how); err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	if err := os.Rename(draft, path); err != nil {
		return cannotCreate(path, err)
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return cannotCreate(path, err)
	}
	return nil
}

// fill gives an empty file our marks and the schema. Closing the only connection empties the log into the file.
func fill(path string, how care) error {
	conn, err := open(path, string(how)+writeConn)
	if err != nil {
		return err
	}
	err = conn.Exec(fmt.Sprintf(`PRAGMA application_id = %d; PRAGMA journal_mode = WAL`, applicationID))
	if err != nil {
		err = fault(path, "create", err)
	} else {
		err = migrate(conn, path)
	}
	if closing := conn.Close(); err == nil && closing != nil {
		err = fault(path, "create", closing)
	}
	return err
}

func cannotCreate(path string, err error) error {
	return errs.Wrap(errs.Unavailable, "StoreNotCreated", err, "the store %s cannot be created", path).At(path).
		Advise("check that the folder may be written and has room")
}

// syncFolder makes the names in a folder durable. Windows does that by itself and refuses to be asked.
func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
