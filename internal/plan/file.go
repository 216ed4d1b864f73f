package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// Seal writes the digest of the plan into it.
func (p *Plan) Seal() { p.Digest = p.digest() }

// digest is the SHA-256 of the plan's JSON, members sorted, without the digest, where the snapshot is kept, and what a rehearsal showed: the same plan made twice has the same.
func (p *Plan) digest() string {
	bare := *p
	bare.Digest, bare.Snapshot, bare.Rehearsal = "", Source{}, nil
	data, err := json.Marshal(bare)
	if err != nil {
		return "" // no plan is made of what JSON cannot hold; Read refuses an empty digest
	}
	// Through a map: a plan that was read has details of the same content, whose members may stand in another order.
	canonical, err := arm.ParseDocument(data)
	if err != nil {
		return ""
	}
	if data, err = json.Marshal(canonical); err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Write writes a plan into a file, whole or not at all. Conflict when one is there and overwrite is false; Internal when the plan was changed after it was sealed: it could not be read again.
func Write(path string, p *Plan, overwrite bool) error {
	if p.Digest == "" || p.Digest != p.digest() {
		return errs.New(errs.Internal, "PlanUnsealed", "the plan for %s was changed after it was made, and is not written", path).At(path)
	}
	switch info, err := os.Lstat(path); {
	case err != nil: // most often there is none
	case !overwrite:
		return errs.New(errs.Conflict, "PlanExists", "the plan %s is there already", path).At(path).Advise("name another file, or say --overwrite")
	case info.Mode().Type()&^fs.ModeSymlink != 0: // a rename would put a file in its place
		return errs.New(errs.Invalid, "PlanNoFile", "%s is a folder or a device, and not replaced", path).At(path).Advise("name a file")
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(p); err != nil {
		return errs.Wrap(errs.Internal, "PlanUnwritable", err, "write the plan as JSON")
	}
	draft, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return unwritable(path, err)
	}
	_, err = draft.Write(b.Bytes())
	err = errors.Join(err, draft.Sync(), draft.Close())
	if err == nil {
		err = os.Rename(draft.Name(), path)
	}
	if err != nil {
		_ = os.Remove(draft.Name()) // the first error is the one to tell
		return unwritable(path, err)
	}
	return keep(filepath.Dir(path))
}

// keep makes the new name in a folder outlive a loss of power, where the system can: not every folder that may be written may be read, and not every file system knows how.
func keep(dir string) error {
	if folder, err := os.Open(dir); err == nil {
		_ = folder.Sync()
		return folder.Close()
	}
	return nil
}

func unwritable(path string, err error) error {
	return errs.Wrap(errs.Unavailable, "PlanFile", err, "the plan %s cannot be written", path).At(path).Advise("check that the folder is there, that you may write to it, and the free space")
}

// Read reads a plan. NotFound when there is none; Unsupported when it is of a newer format; Invalid, with what to do, when it is none, is cut off, or was changed by hand: what is carried
// out is what was made and reviewed. A member that this version does not know is refused as well: it is not in the digest, and somebody could think that it counts.
func Read(path string) (*Plan, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errs.New(errs.NotFound, "PlanNotFound", "there is no plan %s", path).At(path).Advise("make one with: amlmove plan WORKSPACE --to-group GROUP -o %s", path)
	}
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, "PlanFile", err, "the plan %s cannot be read", path).At(path).Advise("check that it is a file, and that you may read it")
	}
	return parse(path, data)
}

func parse(path string, data []byte) (*Plan, error) {
	if err := checkHead(path, data); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	p := &Plan{}
	if err := dec.Decode(p); err != nil {
		return nil, errs.Wrap(errs.Invalid, "PlanDamaged", err, "the plan %s cannot be read", path).At(path).Advise("use the amlmove that wrote it, or plan again")
	}
	if p.Digest == "" || p.digest() != p.Digest {
		return nil, errs.New(errs.Invalid, "PlanEdited", "the plan %s was changed after it was made: its digest does not fit", path).At(path).
			Advise("plan again with other choices; amlmove plan --help lists them")
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return p, nil
}

// checkHead tells what is no plan of ours from what is a damaged one.
func checkHead(path string, data []byte) error {
	var head struct {
		Format int    `json:"format"`
		Digest string `json:"digest"`
	}
	begins := bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{"))
	switch err := json.Unmarshal(data, &head); {
	case begins && !json.Valid(data):
		return errs.Wrap(errs.Invalid, "PlanTruncated", err, "the plan %s is cut off or damaged", path).At(path).Advise("copy it again, or plan again")
	case err != nil || head.Format <= 0:
		return errs.Wrap(errs.Invalid, "PlanForeign", err, "the file %s is no plan", path).At(path).Advise("name a file that amlmove plan wrote")
	case head.Format != Format:
		return errs.New(errs.Unsupported, "PlanNewer", "the plan %s has format %d, and this program reads %d", path, head.Format, Format).At(path).Advise("use the amlmove that wrote it, or plan again")
	}
	return nil
}
