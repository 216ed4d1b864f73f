package snapshot

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/errs"
)

// write makes a snapshot of documents, given as id and body.
func write(t *testing.T, path string, bodies ...string) Header {
	t.Helper()
	w, err := Create(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(bodies); i += 2 {
		add(t, w, bodies[i], bodies[i+1])
	}
	h, err := w.Finish(t.Context(), Header{WorkspaceID: "/w", Begun: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func add(t testing.TB, w *Writer, id, body string) {
	t.Helper()
	if err := w.Add(context.Background(), Document{Section: Content, ID: id, Type: "A.B/c", Version: "v1", Taken: time.Unix(5, 6), Body: json.RawMessage(body)}); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, path string) *Snapshot {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestDocumentsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "w.snap")
	body := `{ "b":1.50, "a":"<&>" , "id":"/X/y"}`
	write(t, path, "/X/y", body, "/x/Z", "{}", "/x/Y", body)
	s := open(t, path)
	if s.Header.Documents != 2 || !s.Header.Complete || s.Header.WorkspaceID != "/w" {
		t.Errorf("the header is %+v", s.Header)
	}
	d, err := s.Get(t.Context(), Content, "/X/Y")
	if err != nil || string(d.Body) != body || d.Version != "v1" || !d.Taken.Equal(time.Unix(5, 6)) || d.Type != "A.B/c" {
		t.Errorf("got %+v, %v", d, err)
	}
	if _, err := s.Get(t.Context(), Target, "/x/y"); !errs.Is(err, errs.NotFound) {
		t.Errorf("the other section: %v", err)
	}
	n := 0
	for _, err := range s.Of(t.Context(), Content, "a.b/C") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 2 {
		t.Errorf("%d documents of the type", n)
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDigestsSeeContentAndNothingElse(t *testing.T) {
	t.Parallel()
	base := `{"id":"/x","n":1.0,"properties":{"list":[1,2],"etag":"mine"},"systemData":{"createdAt":"a","lastModifiedAt":"b"}}`
	for _, c := range []struct {
		name, body string
		same       bool
	}{
		{"another order of members", `{"systemData":{"lastModifiedAt":"b","createdAt":"a"},"properties":{"etag":"mine","list":[1,2]},"n":1.0,"id":"/x"}`, true},
		{"white space", "{\n\"id\":\"/x\", \"n\":1.0,\"properties\":{\"list\":[1,2],\"etag\":\"mine\"},\"systemData\":{\"createdAt\":\"a\"}}", true},
		{"another time and author of the last change", strings.Replace(base, `"lastModifiedAt":"b"`, `"lastModifiedAt":"c","lastModifiedBy":"d"`, 1), true},
		{"an etag", strings.Replace(base, `"n"`, `"etag":"W/1","n"`, 1), true},
		{"an etag in the content", strings.Replace(base, `"mine"`, `"yours"`, 1), false},
		{"another author", strings.Replace(base, `"a"`, `"z"`, 1), false},
		{"another order of a list", strings.Replace(base, "[1,2]", "[2,1]", 1), false},
		{"a number written otherwise", strings.Replace(base, "1.0", "1", 1), false},
		{"a member more", strings.Replace(base, `"n"`, `"m":null,"n"`, 1), false},
	} {
		a, errA := Digest([]byte(base))
		b, errB := Digest([]byte(c.body))
		if errA != nil || errB != nil || (a == b) != c.same {
			t.Errorf("%s: same is %v (%v, %v)", c.name, a == b, errA, errB)
		}
	}
	nested := `{"properties":{"subnets":[{"id":"/s","etag":"1","properties":{"p":1}}]}}`
	a, _ := Digest([]byte(nested))
	if b, _ := Digest([]byte(strings.Replace(nested, `"1"`, `"2"`, 1))); a != b {
		t.Error("the etag of a document inside a document counts")
	}
	if _, err := Digest([]byte("{")); !errs.Is(err, errs.Invalid) {
		t.Errorf("no JSON: %v", err)
	}
}

func TestTheWholeDigestDoesNotDependOnTheOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := write(t, filepath.Join(dir, "a"), "/1", `{"v":1}`, "/2", `{"v":2}`)
	b := write(t, filepath.Join(dir, "b"), "/2", `{"v":2}`, "/1", `{"v":1}`)
	c := write(t, filepath.Join(dir, "c"), "/2", `{"v":1}`, "/1", `{"v":2}`)
	if a.Digest != b.Digest || a.Digest == c.Digest {
		t.Errorf("got %s, %s, %s", a.Digest, b.Digest, c.Digest)
	}
}

func TestDiffNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "/gone", "{}", "/same", `{"v":1}`, "/tag", `{"tags":{"team":"a","x":1},"properties":{"l":[1,{"n":2}]},"was":null}`)
	write(t, filepath.Join(dir, "b"), "/new", "{}", "/SAME", `{ "v":1, "etag":"z"}`, "/tag", `{"tags":{"team":"b","x":1},"properties":{"l":[1,{"n":3}],"more":true}}`)
	var got []string
	for change, err := range Diff(t.Context(), open(t, filepath.Join(dir, "a")), open(t, filepath.Join(dir, "b"))) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, change.What+" "+change.ID+" "+strings.Join(change.Paths, ","))
	}
	want := []string{"removed /gone ", "added /new ", "changed /tag properties.l[1].n,properties.more,tags.team,was"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestExportIsJSONLines(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "w.snap")
	w, err := Create(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	add(t, w, "/x", `{"a":"<"}`)
	gap := Gap{Target, "/p", 403, "AuthorizationFailed", "no", "why"}
	if err := w.AddGap(t.Context(), gap); err != nil {
		t.Fatal(err)
	}
	if err := w.AddNote(t.Context(), Note{UnknownKind, "s", "t"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(t.Context(), Header{}); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	var b bytes.Buffer
	if err := s.Export(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 4 || !strings.Contains(lines[0], `"header"`) || !strings.Contains(lines[1], `"body":{"a":"<"}`) || !strings.Contains(lines[2], `"gap"`) || !strings.Contains(lines[3], `"note"`) {
		t.Errorf("got %q", lines)
	}
	if gaps, err := s.Gaps(t.Context()); err != nil || !slices.Equal(gaps, []Gap{gap}) {
		t.Errorf("got %+v, %v", gaps, err)
	}
}

func TestManyWriteAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "w.snap")
	w, err := Create(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 400 {
				add(t, w, fmt.Sprintf("/d/%d/%d", worker, i), `{"properties":{"v":1}}`)
			}
		})
	}
	group.Wait()
	h, err := w.Finish(t.Context(), Header{})
	if err != nil || h.Documents != 3200 {
		t.Fatalf("got %+v, %v", h, err)
	}
	if err := open(t, path).Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAFileThatIsThereIsKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "w.snap")
	first := write(t, path, "/x", "{}")
	if _, err := Create(t.Context(), path, false); !errs.Is(err, errs.Conflict) {
		t.Errorf("got %v", err)
	}
	w, err := Create(t.Context(), path, true)
	if err != nil {
		t.Fatal(err)
	}
	add(t, w, "/y", "{}")
	if err := w.Abandon(); err != nil {
		t.Fatal(err)
	}
	if got := open(t, path).Header.Digest; got != first.Digest {
		t.Error("an abandoned capture changed the file")
	}
	if names := files(t, filepath.Dir(path)); !slices.Equal(names, []string{"w.snap"}) {
		t.Errorf("left behind: %v", names)
	}
	if err := w.Add(t.Context(), Document{Body: json.RawMessage("{}")}); !errs.Is(err, errs.Internal) {
		t.Errorf("written after the end: %v", err)
	}
	if _, err := Create(t.Context(), filepath.Join(filepath.Dir(path), "no", "folder"), false); !errs.Is(err, errs.Invalid) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// Of two captures into one file that nobody said may be replaced, the one that ends first has it: the other says so and takes nothing away.
func TestTwoCapturesIntoOneFile(t *testing.T) {
	t.Parallel()
	for _, overwrite := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "w.snap")
		var writers []*Writer
		for _, id := range []string{"/first", "/second"} {
			w, err := Create(t.Context(), path, overwrite)
			if err != nil {
				t.Fatal(err)
			}
			add(t, w, id, "{}")
			writers = append(writers, w)
		}
		if _, err := writers[0].Finish(t.Context(), Header{}); err != nil {
			t.Fatal(err)
		}
		_, err := writers[1].Finish(t.Context(), Header{})
		want := "/first"
		if overwrite {
			want = "/second"
		}
		if errs.Is(err, errs.Conflict) == overwrite || err != nil && overwrite {
			t.Errorf("overwrite %v: the second ends with %v", overwrite, err)
		}
		if _, err := open(t, path).Get(t.Context(), Content, want); err != nil {
			t.Errorf("overwrite %v: the file is not that of %s: %v", overwrite, want, err)
		}
		if left := files(t, filepath.Dir(path)); !slices.Equal(left, []string{"w.snap"}) {
			t.Errorf("overwrite %v: left are %v", overwrite, left)
		}
	}
}

// Whoever may write to a folder of devices would else have a file in the place of one; a folder in the way is told before anything is read.
func TestWhatIsNoFileIsNotReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "w.snap"), 0o700); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", filepath.Join(dir, "s.snap"))
	if err != nil {
		t.Skipf("no sockets with names here: %v", err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	for _, name := range []string{"w.snap", "s.snap"} {
		w, err := Create(t.Context(), filepath.Join(dir, name), true)
		if !errs.Is(err, errs.Invalid) {
			t.Errorf("%s is no file, and a snapshot began there: %v", name, err)
		}
		if err == nil {
			_ = w.Abandon()
		}
	}
}
