package action

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// versions are the versions of the data assets of a world, before.
func (w *world) versions(t *testing.T) []facts.Item { return w.before(t, assets+"/versions") }

// before are the documents of a type of content, before.
func (w *world) before(t *testing.T, typ arm.Type) []facts.Item {
	t.Helper()
	var items []facts.Item
	for d, err := range w.Before.Of(t.Context(), snapshot.Content, typ) {
		if err != nil {
			t.Fatal(err)
		}
		doc, err := arm.ParseDocument(d.Body)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, facts.Item{ID: must(t, d.ID), Key: d.ID, Doc: doc})
	}
	return items
}

// registered fails the test when a data asset or a version is not there as it was.
func (w *world) registered(t *testing.T) {
	t.Helper()
	total := 0
	for _, item := range w.before(t, assets) {
		now := w.get(t, w.landed(t, item.Key))
		same(t, item.Name(), item.Doc, now, "systemData", "etag", "id")
		task := w.task(plan.RestoreData, w.Plan.Workspace, nil)
		where := must(t, w.landed(t, item.Key))
		err := task.List(t.Context(), where.String()+"/versions?listViewType=All", versionOf(where, "any"), func(now arm.Document) error {
			total++
			original, err := task.Original(t.Context(), versionOf(item.ID, now.Text("name")))
			if err != nil {
				return err
			}
			want := original.Clone()
			w.Map.References([]string{"id", "properties.dataUri"}, want)
			same(t, item.Name()+" "+now.Text("name"), want, now, "systemData", "etag")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := len(w.versions(t)); total != want || want < 60 {
		t.Errorf("pain 39 there are %d versions, and there were %d", total, want)
	}
}

// once fails the test when a version was written more than once.
func (w *world) once(t *testing.T) {
	t.Helper()
	written := map[string]int{}
	for _, e := range w.journal.entries {
		written[e.method+" "+strings.ToLower(e.path)]++
	}
	for request, n := range written {
		if n > 1 && strings.Contains(request, "/versions/") {
			t.Errorf("pain 46 %s was sent %d times", request, n)
		}
	}
}

func TestDataAssetsAreRegisteredAgainAsTheyWere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet", "all")
	w.move(t)
	task := w.task(plan.RestoreData, w.Plan.Workspace, nil)
	task.Step.Count = len(w.versions(t))
	var mutex sync.Mutex
	var last Progress
	w.Tell = func(p Progress) {
		mutex.Lock()
		defer mutex.Unlock()
		if p.Count > last.Count {
			last = p
		}
	}
	w.want(t, task)
	w.registered(t)
	w.once(t)
	if last.Count != len(w.versions(t)) || last.Of != len(w.versions(t)) {
		t.Errorf("it was told that %d of %d are registered", last.Count, last.Of)
	}
	archived := func(i facts.Item) bool { return i.Doc.Bool("properties.isArchived") }
	if !slices.ContainsFunc(w.before(t, assets), archived) || !slices.ContainsFunc(w.versions(t), archived) {
		t.Error("nothing was archived: the test shows little")
	}
	writes := w.journal.writes()
	w.undone(t, task)
	if w.journal.writes() != writes {
		t.Error("behind the point of no return something was taken back")
	}
	w.registered(t)
}

func TestRegisteringGoesOnWhereItWasInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet")
	w.move(t)
	task := w.task(plan.RestoreData, w.Plan.Workspace, nil)
	cut := 0
	var err error
	for k := int64(1); k < 400; k = k*2 + 1 {
		if err = w.doCut(t, task, k); err == nil {
			break
		}
		cut++
		if done, err := w.find(t, task).Done(t.Context(), task); done && err == nil {
			break
		}
	}
	if cut < 4 {
		t.Fatalf("it was interrupted only %d times", cut)
	}
	w.hear(t, func(*http.Request) {})
	if err := w.find(t, task).Do(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	w.done(t, task, true)
	w.registered(t)
	w.once(t)
	if cursor, _ := w.journal.Cursor(t.Context(), task.Step.ID); cursor != "" {
		t.Errorf("the cursor is left at %q: whoever does it once more would skip what is lacking", cursor)
	}
}

func TestWhatACursorPassedIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet")
	w.move(t)
	task := w.task(plan.RestoreData, w.Plan.Workspace, nil)
	if err := w.find(t, task).Do(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cursor string
		lists  int
	}{{"", 12}, {"versions 5", 7}, {"versions 12", 0}, {"containers 3", 0}, {"nonsense", 12}} {
		if err := w.journal.Advance(t.Context(), task.Step.ID, c.cursor); err != nil {
			t.Fatal(err)
		}
		var mutex sync.Mutex
		lists := 0
		w.hear(t, func(r *http.Request) {
			mutex.Lock()
			defer mutex.Unlock()
			if strings.HasSuffix(r.URL.Path, "/versions") {
				lists++
			}
		})
		if err := w.find(t, task).Do(t.Context(), task); err != nil {
			t.Fatal(err)
		}
		if lists != c.lists {
			t.Errorf("from the cursor %q the versions of %d data assets were listed, want %d", c.cursor, lists, c.lists)
		}
	}
}

func TestAVersionOfSomebodyElseIsToldAndNotWrittenOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet")
	w.move(t)
	all := w.versions(t)
	other, mended, equal := all[0], all[7], all[14]
	register := func(item facts.Item, change func(arm.Document)) {
		body := w.Map.ForPut(aml.Kind{Path: "data/versions", References: []aml.Reference{{Path: "properties.dataUri"}}}, item.Doc)
		change(body)
		w.ask(t, http.MethodPut, w.landed(t, item.Key), body)
	}
	register(other, func(d arm.Document) { d.Set("properties.dataUri", "https://example.test/elsewhere") })
	register(mended, func(d arm.Document) { d.Set("properties.tags", map[string]any{"somebody": "else"}) })
	register(equal, func(arm.Document) {})
	task := w.task(plan.RestoreData, w.Plan.Workspace, nil)
	err := w.find(t, task).Do(t.Context(), task)
	if e := errs.As(err); e == nil || e.Code != "VersionDiffers" || !strings.Contains(e.Message, "1 of ") || !strings.Contains(e.Message, "properties.dataUri") {
		t.Fatalf("pain 46 got %v", err)
	}
	if !w.journal.remarked(Differs, "data asset "+other.ID.Parent().Name()) {
		t.Errorf("it is not in the remarks: %v", w.journal.remarks)
	}
	if got := w.get(t, w.landed(t, other.Key)).Text("properties.dataUri"); got != "https://example.test/elsewhere" {
		t.Errorf("somebody's version was changed to %s", got)
	}
	if n := w.journal.sent(http.MethodPut, strings.TrimPrefix(equal.Key, w.Plan.Workspace)); n != 0 {
		t.Errorf("a version that is as before was written %d times", n)
	}
	w.done(t, task, false)
	for _, item := range all { // all others are there
		if item.Key != other.Key {
			w.get(t, w.landed(t, item.Key))
		}
	}
	w.ask(t, http.MethodDelete, w.landed(t, other.Key), nil)
	if err := w.find(t, task).Do(t.Context(), task); err != nil {
		t.Fatalf("after it was removed: %v", err)
	}
	w.done(t, task, true)
}

func TestACountThatIsNotThePlansIsAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet")
	w.move(t)
	task := w.task(plan.RestoreData, w.Plan.Workspace, nil)
	task.Step.Count = len(w.versions(t)) + 1
	if err := w.find(t, task).Do(t.Context(), task); errs.As(err) == nil || errs.As(err).Code != "CountMismatch" {
		t.Fatalf("pain 39 got %v", err)
	}
	if w.journal.writes() != 0 {
		t.Error("pain 39 something was registered all the same")
	}
}

func TestARefusedVersionIsAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet")
	w.move(t)
	w.fault(t, `{"kind":"status","status":400,"code":"UserError","message":"bad path","match":{"method":"PUT","path":"**/data/*/versions/3"}}`)
	task := w.task(plan.RestoreData, w.Plan.Workspace, nil)
	if err := w.find(t, task).Do(t.Context(), task); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "register version 3 of the data asset") || !strings.Contains(err.Error(), "bad path") {
		t.Fatalf("S05 got %v", err)
	}
	w.done(t, task, false)
}

// written is a snapshot of data assets, by hand.
func written(t *testing.T, ids ...string) *snapshot.Snapshot {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hand.snap")
	writer, err := snapshot.Create(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range ids {
		id := must(t, "/subscriptions/s/resourceGroups/g/providers/"+string(aml.Workspaces)+"/ws/data/"+text)
		body, err := json.Marshal(map[string]any{"id": id.String(), "name": id.Name()})
		if err == nil {
			err = writer.Add(t.Context(), snapshot.Document{Section: snapshot.Content, ID: id.String(), Type: id.Type(), Body: body})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := writer.Finish(t.Context(), snapshot.Header{WorkspaceID: "/w"}); err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestVersionsAreGatheredByTheirDataAsset(t *testing.T) {
	t.Parallel()
	before := written(t, "a", "a-b", "a.b", "Empty", "a/versions/1", "a/versions/10", "a/versions/2", "a-b/versions/1", "a.b/versions/latest", "A/versions/B", "a/versions/_x")
	got := map[string][]string{}
	for c, err := range containers(t.Context(), before) {
		if err != nil {
			t.Fatal(err)
		}
		name := strings.ToLower(c.id.Name())
		if got[name] != nil {
			t.Errorf("the versions of %s are not together", name)
		}
		got[name] = c.versions
		for i, v := range c.versions {
			if at, found := c.find(strings.ToUpper(v)); !found || at != i {
				t.Errorf("version %s of %s is looked for at %d, and is at %d", v, name, at, i)
			}
		}
		if _, found := c.find("99"); found {
			t.Error("a version that nobody registered is found")
		}
	}
	if len(got) != 3 || len(got["a"]) != 5 || len(got["a-b"]) != 1 || len(got["a.b"]) != 1 {
		t.Errorf("gathered as %v", got)
	}
}

func TestTheLatestVersionIsRegisteredLast(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, latest string
		want         []string
	}{
		{"numbers count as numbers", "10", []string{"1", "2", "9", "10"}},
		{"S05 the latest need not be the greatest", "2", []string{"1", "9", "10", "2"}},
		{"names come behind numbers", "beta", []string{"1", "2", "alpha", "beta"}},
		{"nobody says which is the latest", "", []string{"1", "2", "3"}},
		{"the latest is gone", "7", []string{"1", "01", "2"}},
	} {
		versions := slices.Clone(c.want)
		slices.Sort(versions)
		arrange(versions, c.latest)
		if c.name == "the latest is gone" {
			c.want = []string{"01", "1", "2"}
		}
		if !slices.Equal(versions, c.want) {
			t.Errorf("%s: %v, want %v", c.name, versions, c.want)
		}
	}
}

func TestAMarkMovesOnlyOverWhatIsDone(t *testing.T) {
	t.Parallel()
	m := &mark{place: 3, beyond: map[int]bool{}}
	var told []int
	for _, place := range []int{6, 5, 4, 9, 7} {
		if err := m.done(place, func(place int) error { told = append(told, place); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(told, []int{6, 7}) || len(m.beyond) != 1 {
		t.Errorf("it was told at %v, and holds %v", told, m.beyond)
	}
	if err := m.done(8, func(int) error { return fmt.Errorf("the journal is full") }); err == nil {
		t.Error("an error of the journal is swallowed")
	}
}
