package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/amlmove/amlmove/internal/errs"
)

// Seal writes the digest of the plan into it.
func (p *Plan) Seal() { p.Digest = p.digest() }

// digest is the SHA-256 of the plan's JSON without the digest and where the snapshot is kept: the same plan made twice has the same.
func (p *Plan) digest() string {
	bare := *p
	bare.Digest, bare.Snapshot = "", Source{}
	data, err := json.Marshal(bare)
	if err != nil {
		return "" // no plan is made of what JSON cannot hold; Read refuses an empty digest
	}
	// Through a map: a plan that was read has details of the same content, whose members may stand in another order.
	var canonical any
	if err := json.Unmarshal(data, &canonical); err != nil {
		return ""
	}
	data, err = json.Marshal(canonical)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Write writes a plan into a file, whole or not at all. Conflict when one is there and overwrite is false.
func Write(path string, p *Plan, overwrite bool) error {
	if _, err := os.Lstat(path); err == nil && !overwrite {
		return errs.New(errs.Conflict, "PlanExists", "the plan %s is there already", path).At(path).Advise("name another file, or say --overwrite")
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
		_ = os.Remove(draft.Name())
		return unwritable(path, err)
	}
	return nil
}

func unwritable(path string, err error) error {
	return errs.Wrap(errs.Unavailable, "PlanFile", err, "the plan %s cannot be written", path).At(path).Advise("check that the folder is there, that you may write to it, and the free space")
}

// Read reads a plan. Invalid, with what to do, when it is none, is cut off, of a newer format, or was changed by hand: what is carried out is what was made and reviewed.
func Read(path string) (*Plan, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errs.New(errs.NotFound, "PlanNotFound", "there is no plan %s", path).At(path).Advise("make one with: amlmove plan WORKSPACE --to-group GROUP -o %s", path)
	}
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, "PlanFile", err, "the plan %s cannot be read", path).At(path)
	}
	return parse(path, data)
}

func parse(path string, data []byte) (*Plan, error) {
	var head struct {
		Format int    `json:"format"`
		Digest string `json:"digest"`
	}
	switch err := json.Unmarshal(data, &head); {
	case errors.Is(err, io.ErrUnexpectedEOF) || err != nil && len(data) > 0 && data[0] == '{' && !json.Valid(data):
		return nil, errs.Wrap(errs.Invalid, "PlanTruncated", err, "the plan %s is cut off or damaged", path).At(path).Advise("copy it again, or plan again")
	case err != nil || head.Format == 0:
		return nil, errs.Wrap(errs.Invalid, "PlanForeign", err, "the file %s is no plan", path).At(path).Advise("name a file that amlmove plan wrote")
	case head.Format > Format:
		return nil, errs.New(errs.Unsupported, "PlanNewer", "the plan %s has format %d, and this program reads up to %d", path, head.Format, Format).At(path).Advise("use the amlmove that wrote it")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields() // an unknown member is not in the digest: somebody could think that it counts
	p := &Plan{}
	if err := dec.Decode(p); err != nil {
		return nil, errs.Wrap(errs.Invalid, "PlanDamaged", err, "the plan %s cannot be read", path).At(path).Advise("plan again")
	}
	if p.Digest == "" || p.digest() != p.Digest {
		return nil, errs.New(errs.Invalid, "PlanEdited", "the plan %s was changed after it was made: its digest does not fit", path).At(path).
			Advise("plan again with other choices; amlmove plan --help lists them")
	}
	return p, p.Check()
}
