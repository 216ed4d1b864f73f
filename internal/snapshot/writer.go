package snapshot

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/amlmove/amlmove/internal/errs"
)

//go:embed schema.sql
var schema string

// batch is how many documents are written in one transaction.
const batch = 2000

// Writer writes a snapshot. It is safe for concurrent use; documents are on disk soon, never all in memory. End it with Finish or Abandon.
type Writer struct {
	path, draft string
	overwrite   bool
	db          *sql.DB

	mutex   sync.Mutex
	tx      *sql.Tx
	insert  *sql.Stmt
	pending int
}

// Create begins a snapshot that will be at path. Invalid when something other than a file is there. overwrite replaces one that is there, when the new one is whole and not before; without it one that another capture ends meanwhile stays as well.
func Create(ctx context.Context, path string, overwrite bool) (*Writer, error) {
	switch info, err := os.Lstat(path); {
	case err != nil: // most often there is none
	case !overwrite:
		return nil, exists(path)
	case info.Mode().Type()&^fs.ModeSymlink != 0: // a rename would put a file in its place
		return nil, errs.New(errs.Invalid, "SnapshotNoFile", "%s is a folder or a device, and not replaced", path).At(path).Advise("name a file")
	}
	prefix := "." + filepath.Base(path) + ".partial-"
	sweep(filepath.Dir(path), prefix)
	file, err := os.CreateTemp(filepath.Dir(path), prefix+strconv.Itoa(os.Getpid())+"-*")
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, "SnapshotFolder", err, "no file can be made in %s", filepath.Dir(path)).At(path).Advise("check that the folder is there, and that you may write to it")
	}
	draft := file.Name()
	if err := file.Close(); err != nil {
		return nil, err
	}
	// The draft is worth nothing until it is whole: no journal and no syncs. A fixed page cache bounds the memory; a page holds several documents.
	db, err := connect(draft, "page_size(16384)", "journal_mode(OFF)", "synchronous(OFF)", "cache_size(-16000)", "temp_store(FILE)", "locking_mode(EXCLUSIVE)")
	if err != nil {
		return nil, errors.Join(err, os.Remove(draft))
	}
	w := &Writer{path: path, draft: draft, overwrite: overwrite, db: db}
	if _, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; ", applicationID, Format)+schema); err != nil {
		return nil, errors.Join(fault(path, "begin", err), w.Abandon())
	}
	return w, nil
}

func exists(path string) *errs.Error {
	return errs.New(errs.Conflict, "SnapshotExists", "the file %s is there already", path).At(path).
		Advise("name another file, or say --force (of a plan: --overwrite) to replace it when the new one is whole")
}

// sweep takes away the drafts of captures into the same file that were killed. One that cannot be taken away is only in the way of the disk.
func sweep(dir, prefix string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // making the draft will tell
	}
	for _, entry := range entries {
		rest, draft := strings.CutPrefix(entry.Name(), prefix)
		text, _, _ := strings.Cut(rest, "-")
		pid, err := strconv.Atoi(text)
		if !draft || err != nil {
			continue
		}
		if process, err := os.FindProcess(pid); err != nil || errors.Is(process.Signal(syscall.Signal(0)), os.ErrProcessDone) {
			_ = os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
}

// connect opens a database file with one connection.
func connect(path string, pragmas ...string) (*sql.DB, error) {
	query := url.Values{"_pragma": pragmas}
	name := (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: query.Encode()}).String()
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, fault(path, "open", err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// fault words trouble with the file.
func fault(path, verb string, err error) error {
	return errs.Wrap(errs.Unavailable, "SnapshotFile", err, "%s the snapshot %s", verb, path).At(path).Advise("check the free space and the owner of the folder")
}

// Add writes a document. Of two with the same id in a section the one that was taken later stays: a list that is read while it changes may show one twice.
func (w *Writer) Add(ctx context.Context, d Document) error {
	digest, err := Digest(d.Body)
	if err != nil {
		return fmt.Errorf("digest of %s: %w", d.ID, err)
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if err := w.begin(ctx); err != nil {
		return err
	}
	_, err = w.insert.ExecContext(ctx, string(d.Section), strings.ToLower(d.ID), d.Type.Key(), d.ID, string(d.Type), d.Version, d.Taken.UnixNano(), digest[:], []byte(d.Body))
	if err != nil {
		return fault(w.path, "write", err)
	}
	return w.counted()
}

// begin opens a transaction if none is open. The context of a transaction is not that of its first document: others use it as well.
func (w *Writer) begin(ctx context.Context) error {
	if w.db == nil {
		return errs.New(errs.Internal, "SnapshotClosed", "the snapshot %s was ended already", w.path)
	}
	if w.tx != nil {
		return nil
	}
	var err error
	if w.tx, err = w.db.BeginTx(context.WithoutCancel(ctx), nil); err != nil {
		return fault(w.path, "write", err)
	}
	w.insert, err = w.tx.PrepareContext(context.WithoutCancel(ctx), `INSERT INTO document (section, key, type_key, id, type, version, taken, digest, body) VALUES (?,?,?,?,?,?,?,?,?)
		ON CONFLICT (section, key) DO UPDATE SET taken=excluded.taken, digest=excluded.digest, body=excluded.body, version=excluded.version WHERE excluded.taken >= document.taken`)
	if err != nil {
		return fault(w.path, "write", err)
	}
	return nil
}

// counted commits when the batch is full.
func (w *Writer) counted() error {
	if w.pending++; w.pending < batch {
		return nil
	}
	return w.flush()
}

func (w *Writer) flush() error {
	if w.tx == nil {
		return nil
	}
	err := errors.Join(w.insert.Close(), w.tx.Commit())
	w.tx, w.insert, w.pending = nil, nil, 0
	if err != nil {
		return fault(w.path, "write", err)
	}
	return nil
}

// AddGap writes down what could not be read.
func (w *Writer) AddGap(ctx context.Context, g Gap) error {
	return w.addJSON(ctx, "INSERT OR REPLACE INTO gap (section, path, body) VALUES (?,?,?)", string(g.Section), g.Path, g)
}

// AddNote writes down what the reader should know.
func (w *Writer) AddNote(ctx context.Context, n Note) error {
	return w.addJSON(ctx, "INSERT OR REPLACE INTO note (code, subject, body) VALUES (?,?,?)", n.Code, n.Subject, n)
}

func (w *Writer) addJSON(ctx context.Context, statement, a, b string, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if err := w.begin(ctx); err != nil {
		return err
	}
	if _, err := w.tx.ExecContext(ctx, statement, a, b, string(data)); err != nil {
		return fault(w.path, "write", err)
	}
	return w.counted()
}
