package snapshot

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// Snapshot is an open file. It is only read.
type Snapshot struct {
	Header Header
	path   string
	db     *sql.DB
}

// Open opens a complete snapshot.
func Open(ctx context.Context, path string) (*Snapshot, error) {
	if err := inspect(path); err != nil {
		return nil, err
	}
	db, err := connect(path, "query_only(ON)", "trusted_schema(OFF)", "cache_size(-8000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4)
	s := &Snapshot{path: path, db: db}
	var text string
	err = db.QueryRowContext(ctx, "SELECT value FROM header WHERE name = 'header'").Scan(&text)
	if err == nil {
		err = json.Unmarshal([]byte(text), &s.Header)
	}
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && !s.Header.Complete:
		err = errs.New(errs.Invalid, "SnapshotIncomplete", "the snapshot %s was never ended: its capture was interrupted", path).At(path).Advise("capture again")
	case err != nil:
		err = damaged(path, err)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// Path is where the file is.
func (s *Snapshot) Path() string { return s.path }

// Close closes the file.
func (s *Snapshot) Close() error { return s.db.Close() }

// inspect looks at the first bytes of a file before SQLite does: what it is, for whom, and whether all of it is there.
func inspect(path string) error {
	file, err := os.Open(path)
	if os.IsNotExist(err) {
		return errs.New(errs.NotFound, "SnapshotNotFound", "there is no snapshot %s", path).At(path).Advise("make one with: amlmove capture WORKSPACE -o %s", path)
	}
	if err != nil {
		return errs.Wrap(errs.Unavailable, "SnapshotUnreadable", err, "the snapshot %s cannot be opened", path).At(path).Advise("check the owner and mode of the file")
	}
	defer func() { _ = file.Close() }()
	head := make([]byte, 100)
	if _, err := io.ReadFull(file, head); err != nil || string(head[:16]) != "SQLite format 3\x00" {
		return foreign(path, "is no snapshot")
	}
	if binary.BigEndian.Uint32(head[68:]) != applicationID {
		return foreign(path, "is a database of another program")
	}
	if format := binary.BigEndian.Uint32(head[60:]); format > Format {
		return errs.New(errs.Unsupported, "SnapshotNewer", "the snapshot %s has format %d, and this program reads up to %d", path, format, Format).At(path).
			Advise("use the amlmove that wrote it, or a newer one")
	}
	page, pages := int64(binary.BigEndian.Uint16(head[16:])), int64(binary.BigEndian.Uint32(head[28:]))
	if page == 1 {
		page = 65536
	}
	info, err := file.Stat()
	if err == nil && info.Size() != page*pages {
		return errs.New(errs.Invalid, "SnapshotTruncated", "the snapshot %s is %d bytes long and should have %d", path, info.Size(), page*pages).At(path).
			Advise("copy it again from where it was captured, or capture again")
	}
	return err
}

func foreign(path, what string) error {
	return errs.New(errs.Invalid, "SnapshotForeign", "the file %s %s; it was not touched", path, what).At(path).Advise("make one with: amlmove capture WORKSPACE -o FILE.snap")
}

func damaged(path string, err error) error {
	return errs.Wrap(errs.Invalid, "SnapshotDamaged", err, "the snapshot %s cannot be read", path).At(path).Advise("copy it again from where it was captured, or capture again")
}

const columns = "SELECT section, id, type, version, taken, digest, body FROM document "

// Documents goes through all documents, by section and key. The sequence ends at the first error.
func (s *Snapshot) Documents(ctx context.Context) iter.Seq2[Document, error] {
	return s.query(ctx, columns+"ORDER BY section, key")
}

// Of goes through the documents of one type in a section, by key.
func (s *Snapshot) Of(ctx context.Context, section Section, t arm.Type) iter.Seq2[Document, error] {
	return s.query(ctx, columns+"WHERE section = ? AND type_key = ? ORDER BY key", string(section), t.Key())
}

// Get returns one document. NotFound if there is none.
func (s *Snapshot) Get(ctx context.Context, section Section, id string) (Document, error) {
	for d, err := range s.query(ctx, columns+"WHERE section = ? AND key = ?", string(section), strings.ToLower(id)) {
		return d, err
	}
	return Document{}, errs.New(errs.NotFound, "DocumentNotFound", "the snapshot %s has no %s in its section %s", s.path, id, section).At(id)
}

func (s *Snapshot) query(ctx context.Context, query string, args ...any) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		rows, err := s.db.QueryContext(ctx, query, args...)
		if err != nil {
			yield(Document{}, damaged(s.path, err))
			return
		}
		defer func() { _ = rows.Close() }() // only read
		for rows.Next() {
			var d Document
			var taken int64
			var digest, body []byte
			if err := rows.Scan(&d.Section, &d.ID, &d.Type, &d.Version, &taken, &digest, &body); err != nil {
				yield(d, damaged(s.path, err))
				return
			}
			d.Taken, d.Body = time.Unix(0, taken).UTC(), body
			copy(d.Digest[:], digest)
			if !yield(d, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Document{}, damaged(s.path, err))
		}
	}
}

// Count is how many documents of a type there are in a section.
type Count struct {
	Section Section  `json:"section"`
	Type    arm.Type `json:"type"`
	Count   int      `json:"count"`
}

// Counts counts the documents by section and type.
func (s *Snapshot) Counts(ctx context.Context) (counts []Count, err error) {
	// counted in an index: no document is read but the first of its type
	rows, err := s.db.QueryContext(ctx, `SELECT section, (SELECT type FROM document AS d WHERE d.section = g.section AND d.type_key = g.type_key ORDER BY d.key LIMIT 1), number
		FROM (SELECT section, type_key, count(*) AS number FROM document GROUP BY section, type_key) AS g ORDER BY section, type_key`)
	if err != nil {
		return nil, damaged(s.path, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c Count
		if err := rows.Scan(&c.Section, &c.Type, &c.Count); err != nil {
			return nil, damaged(s.path, err)
		}
		counts = append(counts, c)
	}
	return counts, rows.Err()
}

// Gaps returns what could not be read, by section and path.
func (s *Snapshot) Gaps(ctx context.Context) ([]Gap, error) {
	return readAll[Gap](ctx, s, "SELECT body FROM gap ORDER BY section, path")
}

// Notes returns what the reader should know, by code and subject.
func (s *Snapshot) Notes(ctx context.Context) ([]Note, error) {
	return readAll[Note](ctx, s, "SELECT body FROM note ORDER BY code, subject")
}

func readAll[T any](ctx context.Context, s *Snapshot, query string) (all []T, err error) {
	rows, err := s.db.QueryContext(ctx, query)
	if err != nil {
		return nil, damaged(s.path, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var text string
		var one T
		if err := rows.Scan(&text); err != nil {
			return nil, damaged(s.path, err)
		}
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			return nil, damaged(s.path, err)
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// Verify reads every document and recomputes every digest.
func (s *Snapshot) Verify(ctx context.Context) error {
	for d, err := range s.Documents(ctx) {
		if err != nil {
			return err
		}
		digest, err := Digest(d.Body)
		if err != nil || digest != d.Digest {
			return errs.Wrap(errs.Invalid, "SnapshotDamaged", err, "the document %s in %s is not what was captured: its digest differs", d.ID, s.path).At(d.ID).
				Advise("copy the snapshot again from where it was captured, or capture again")
		}
	}
	digest, count, err := overall(ctx, s.db)
	if err != nil {
		return damaged(s.path, err)
	}
	if digest != s.Header.Digest || count != s.Header.Documents {
		return errs.New(errs.Invalid, "SnapshotDamaged", "%s holds %d documents with the digest %s; its header says %d with %s", s.path, count, digest, s.Header.Documents, s.Header.Digest).
			At(s.path).Advise("copy the snapshot again from where it was captured, or capture again")
	}
	return nil
}
