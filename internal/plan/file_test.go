package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
)

// written writes a plan and returns its file and what is in it.
func written(t testing.TB, p *Plan) (string, []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "p.json")
	if err := Write(file, p, false); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return file, data
}

func codeOf(err error) string {
	if e := errs.As(err); e != nil {
		return e.Code
	}
	return ""
}

func TestAPlanIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	p := full(t).plan()
	file, _ := written(t, p)
	again, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if again.Digest != p.Digest || len(again.Steps) != len(p.Steps) || !reflect.DeepEqual(again.Windows, p.Windows) || again.Takes != p.Takes {
		t.Errorf("the plan does not come back: %+v", again)
	}
	if err := Write(file, again, true); err != nil {
		t.Errorf("a plan that was read cannot be written: %v", err)
	}
	if names, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); err != nil || len(names) != 1 {
		t.Errorf("the folder holds %q besides the plan (%v)", names, err)
	}
}

func TestAPlanIsNotWrittenOverUnasked(t *testing.T) {
	t.Parallel()
	p := full(t).plan()
	file, before := written(t, p)
	err := Write(file, newScene(t).plan(), false)
	if !errs.Is(err, errs.Conflict) || codeOf(err) != "PlanExists" {
		t.Errorf("got %v", err)
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the plan that was there is not any more (%v)", err)
	}
	if err := Write(filepath.Join(t.TempDir(), "none", "p.json"), p, false); codeOf(err) != "PlanFile" {
		t.Errorf("a folder that is not there: %v", err)
	}
	socket, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err == nil {
		defer func() { _ = socket.Close() }()
		if err := Write(socket.Addr().String(), p, true); codeOf(err) != "PlanNoFile" {
			t.Errorf("what is no file was replaced: %v", err)
		}
	}
	p.Landing = ws
	if err := Write(file, p, true); codeOf(err) != "PlanUnsealed" {
		t.Errorf("a plan that was changed after it was made was written: %v", err)
	}
}

func TestTheSnapshotIsNoPartOfTheDigest(t *testing.T) {
	t.Parallel()
	p := full(t).plan()
	before := p.Digest
	p.Snapshot.File = "elsewhere.snap"
	p.Seal()
	if p.Digest != before {
		t.Error("where the snapshot is kept changes the digest")
	}
	p.Steps[0].What += "!"
	p.Seal()
	if p.Digest == before {
		t.Error("a step does not change the digest")
	}
}

func TestWhatIsNoWholePlanIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	p := full(t).plan()
	_, good := written(t, p)
	replaced := func(old, now string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("the plan does not hold %q", old)
		}
		return bytes.Replace(good, []byte(old), []byte(now), 1)
	}
	impossible := *p
	impossible.NoReturn = "nowhere"
	impossible.Seal()
	_, spoilt := written(t, &impossible)
	for _, c := range []struct {
		name string
		data []byte
		code string
		kind errs.Kind
	}{
		{"empty", nil, "PlanForeign", errs.Invalid},
		{"not JSON", []byte("hello"), "PlanForeign", errs.Invalid},
		{"a list", []byte("[]"), "PlanForeign", errs.Invalid},
		{"other JSON", []byte(`{"hello":1}`), "PlanForeign", errs.Invalid},
		{"a format that never was", replaced(`"format": 1`, `"format": -1`), "PlanForeign", errs.Invalid},
		{"cut off", good[:len(good)/2], "PlanTruncated", errs.Invalid},
		{"cut off by one brace", bytes.TrimRight(good, "}\n"), "PlanTruncated", errs.Invalid},
		{"something behind it", append(bytes.Clone(good), "{}"...), "PlanTruncated", errs.Invalid},
		{"a newer format", replaced(`"format": 1`, `"format": 2`), "PlanNewer", errs.Unsupported},
		{"another choice", replaced(`"drain": "cancel"`, `"drain": "wait"`), "PlanEdited", errs.Invalid},
		{"a removal that looks harmless", replaced(`"destroys": true`, `"destroys": false`), "PlanEdited", errs.Invalid},
		{"a detail", replaced(`"limit": "2h0m0s"`, `"limit": "1m0s"`), "PlanEdited", errs.Invalid},
		{"no digest", replaced(p.Digest, ""), "PlanEdited", errs.Invalid},
		{"an unknown member", replaced(`"format": 1,`, `"format": 1, "extra": 1,`), "PlanDamaged", errs.Invalid},
		{"a time that is none", replaced(`"takes": "1s"`, `"takes": "soon"`), "PlanDamaged", errs.Invalid},
		{"a plan that cannot be carried out", spoilt, "PlanImpossible", errs.Invalid},
	} {
		file := filepath.Join(t.TempDir(), "bad.json")
		if err := os.WriteFile(file, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Read(file)
		if e := errs.As(err); got != nil || e == nil || e.Code != c.code || e.Kind != c.kind || e.Hint == "" {
			t.Errorf("%s: got %v (%s), want %s with what to do", c.name, err, codeOf(err), c.code)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.json")); !errs.Is(err, errs.NotFound) || !strings.Contains(err.Error(), "amlmove plan") {
		t.Errorf("a plan that is not there: %v", err)
	}
	if _, err := Read(t.TempDir()); codeOf(err) != "PlanFile" {
		t.Errorf("a folder: %v", err)
	}
}

// Members may stand in any order and the text may be laid out anew: what is meant is the same.
func TestAPlanThatWasLaidOutAnewIsStillThatPlan(t *testing.T) {
	t.Parallel()
	file, data := written(t, full(t).plan())
	var members map[string]any
	if err := json.Unmarshal(data, &members); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append([]byte("\n "), again...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(file); err != nil {
		t.Errorf("got %v", err)
	}
}

func FuzzRead(f *testing.F) {
	_, good := written(f, full(f).plan())
	f.Add(good)
	f.Add(good[:len(good)/3])
	f.Add(bytes.Replace(good, []byte(`"after"`), []byte(`"After"`), 1))
	f.Add([]byte(`{"format":1,"digest":"x","steps":[{"id":"a","after":["a"]}]}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parse("p.json", data)
		if err != nil {
			if p != nil || codeOf(err) == "" {
				t.Fatalf("got %v and %v", p, err)
			}
			return
		}
		if err := errors.Join(p.Check(), Text(&bytes.Buffer{}, p, TextOptions{})); err != nil {
			t.Fatal(err)
		}
	})
}
