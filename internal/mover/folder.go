package mover

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/verify"
)

// Files of a run's folder. Support needs nothing else, and finds no secret in it that opens without the key.
const (
	PlanFile     = "plan.json"
	BeforeFile   = "before.snap"
	AfterFile    = "after.snap"
	SecretsFile  = "secrets.age"
	DatabaseFile = "run.db"
	RunFile      = "run.json"
	VerifyFile   = "verify.json"
	ReportFile   = "report.html"
	lockFile     = ".lock"
)

// Folder is where one run lives: .amlmove/runs/<id>.
type Folder struct{ Path string }

// Meta is what has to be known about a run before anything else can be opened.
type Meta struct {
	ID       string    `json:"id"`
	Key      string    `json:"key,omitempty"` // its own in the whole world: what is kept of the run in a database that it shares with others stands under it
	Created  time.Time `json:"created"`
	Endpoint string    `json:"endpoint"`      // as the person named it: a cloud.json, a URL, or nothing for Azure
	Database string    `json:"database"`      // postgres://... without a password, or nothing for the file in the folder
	Tool     string    `json:"tool"`          // version of the program that began it
	Who      string    `json:"who,omitempty"` // who began it
}

// key is under what the run is kept in a database. The same plan may be carried out on two clouds that are alike.
func (m Meta) key() string { return cmp.Or(m.Key, m.ID) }

// IDOf is the id of the run that applies a plan: the same for the same plan, so that applying it again finds the run.
func IDOf(p *plan.Plan) string {
	name := "workspace"
	if id, err := arm.Parse(p.Workspace); err == nil {
		name = id.Name()
	}
	return name + "-" + p.Digest[:min(8, len(p.Digest))]
}

// idForm keeps ids inside the folder of runs.
var idForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{2,63}$`)

// Runs lists the runs below a folder, sorted by id. None when the folder is not there.
func Runs(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, "RunsFolder", err, "the folder of runs %s cannot be read", root).At(root)
	}
	var ids []string
	for _, entry := range entries {
		_, err := os.Stat(filepath.Join(root, entry.Name(), RunFile))
		if err == nil || entry.IsDir() && !errors.Is(err, fs.ErrNotExist) { // that of somebody else is one as well
			ids = append(ids, entry.Name())
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// FolderOf finds the folder of a run. NotFound when there is none.
func FolderOf(root, id string) (Folder, error) {
	f := Folder{filepath.Join(root, id)}
	if !idForm.MatchString(id) {
		return f, errs.New(errs.Invalid, "InvalidRun", "%q is no id of a run", id).Advise("amlmove status lists the runs")
	}
	if _, err := os.Stat(f.File(RunFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return f, errs.Wrap(errs.Denied, "RunUnreadable", err, "the run %s in %s cannot be looked into", id, root).Advise("check the owner and mode of the folder: a run is its owner's only")
	} else if err != nil {
		return f, errs.New(errs.NotFound, "RunNotFound", "there is no run %s in %s", id, root).At(f.Path).Advise("amlmove status lists the runs; --runs names another folder")
	}
	return f, nil
}

// make makes the folder, readable for its owner only.
func (f Folder) make() error {
	if err := os.MkdirAll(f.Path, 0o700); err != nil {
		return errs.Wrap(errs.Invalid, "RunFolder", err, "the folder of the run %s cannot be made", f.Path).At(f.Path).Advise("name another with --runs")
	}
	return nil
}

// File is the path of a file of the run.
func (f Folder) File(name string) string { return filepath.Join(f.Path, name) }

// Meta reads run.json.
func (f Folder) Meta() (Meta, error) {
	var m Meta
	data, err := os.ReadFile(f.File(RunFile))
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil {
		return m, errs.Wrap(errs.Invalid, "RunDamaged", err, "the run in %s cannot be read", f.Path).At(f.File(RunFile))
	}
	return m, nil
}

// Verified reads what the comparison of the run found; nil when none has been made.
func (f Folder) Verified() (*verify.Result, error) {
	data, err := os.ReadFile(f.File(VerifyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var found verify.Result
	if err == nil {
		err = json.Unmarshal(data, &found)
	}
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, "RunDamaged", err, "what the comparison found cannot be read").At(f.File(VerifyFile)).Advise("amlmove verify compares again")
	}
	return &found, nil
}

// Has reports whether a file of the run is there.
func (f Folder) Has(name string) bool {
	_, err := os.Stat(f.File(name))
	return err == nil
}

// WriteJSON writes a file of the run whole or not at all.
func (f Folder) WriteJSON(name string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return f.Write(name, append(data, '\n'))
}

// Write writes a file of the run whole or not at all.
func (f Folder) Write(name string, data []byte) error {
	draft, err := os.CreateTemp(f.Path, "."+name+"-*")
	if err == nil {
		_, err = draft.Write(data)
		err = errors.Join(err, draft.Sync(), draft.Close())
	}
	if err == nil {
		err = os.Rename(draft.Name(), f.File(name))
	}
	if err != nil {
		if draft != nil {
			_ = os.Remove(draft.Name())
		}
		return errs.Wrap(errs.Unavailable, "RunFolder", err, "write %s of the run", name).At(f.File(name)).Advise("check the free space and the owner of the folder")
	}
	return nil
}

// Lock keeps other processes of this machine out of the run until unlock is called. Conflict when one is in it.
func (f Folder) Lock() (unlock func(), err error) {
	lock := flock.New(f.File(lockFile))
	held, err := lock.TryLock()
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, "RunLock", err, "lock the run in %s", f.Path).At(f.Path)
	}
	if !held {
		return nil, errs.New(errs.Conflict, "RunBusy", "another process works on the run in %s", f.Path).At(f.Path).Advise("wait for it, or stop it; a process that was killed holds no lock")
	}
	return func() { _ = lock.Unlock() }, nil
}
