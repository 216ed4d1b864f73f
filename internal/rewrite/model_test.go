package rewrite

import (
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
)

// model is Text by the plainest means: at each byte it asks whether a name of something that moves begins there and ends at the end of a name.
func model(pairs [][2]string, text string) string {
	for _, p := range pairs {
		var b strings.Builder
		for i := 0; i < len(text); {
			end := i + len(p[0])
			if end > len(text) || !alike(text[i:end], p[0]) {
				b.WriteByte(text[i])
				i++
				continue
			}
			if end < len(text) && strings.IndexByte(".-_()", text[end]) < 0 && text[end] < 0x80 && !letterOrDigit(text[end]) || end == len(text) {
				b.WriteString(p[1])
			} else {
				b.WriteString(text[i:end])
			}
			i = end
		}
		text = b.String()
	}
	return text
}

func letterOrDigit(c byte) bool {
	return strings.IndexByte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", c) >= 0
}

// alike compares bytes; the case of ASCII letters does not matter.
func alike(a, b string) bool {
	for i := range len(a) {
		x, y := a[i], b[i]
		if x != y && (x|0x20 != y|0x20 || !letterOrDigit(x) || !letterOrDigit(y) || x < 'A' || y < 'A') {
			return false
		}
	}
	return true
}

// FuzzTextIsTheModel holds Text against the model, for texts and for texts made of the pieces that matter.
func FuzzTextIsTheModel(f *testing.F) {
	const uri = "azureml://subscriptions/1111/resourcegroups/dev/workspaces/ws"
	const uriThere = "azureml://subscriptions/2222/resourcegroups/prod/workspaces/ws"
	pieces := []string{oldGroup + ml, oldGroup + store, uri, strings.ToUpper(oldGroup + ml), "/", "-2", ".", "(", "\xff", "é", " ", "azureml:", "/datastores/d", "ſ", "K", newGroup + ml, oldGroup}
	pairs := [][2]string{{oldGroup + ml, newGroup + ml}, {uri, uriThere}, {oldGroup + store, newGroup + store}}
	f.Add("", []byte{0, 4, 0, 5, 1})
	f.Add("x", []byte{2, 12, 3, 8, 0, 9, 2})
	f.Add(uri, []byte{2, 2, 6, 7, 1, 11, 0, 13, 14})
	f.Fuzz(func(t *testing.T, text string, order []byte) {
		var b strings.Builder
		b.WriteString(text)
		for _, at := range order[:min(len(order), 40)] {
			b.WriteString(pieces[int(at)%len(pieces)])
		}
		text = b.String()
		if got, want := moves(t).Text(text), model(pairs, text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	})
}

func TestTheWayThereAndBackLeadsToTheSameText(t *testing.T) {
	t.Parallel()
	m := moves(t)
	for _, text := range []string{oldGroup + ml + "/models/m", "azureml://subscriptions/1111/resourcegroups/dev/workspaces/ws/datastores/d", "nothing"} {
		if got := m.Inverse().Text(m.Text(text)); got != text {
			t.Errorf("%q came back as %q", text, got)
		}
	}
}

func TestReferencesOutsideTheirPathsStay(t *testing.T) {
	t.Parallel()
	doc := arm.Document{"properties": map[string]any{"computeId": oldGroup + ml + "/computes/c", "command": oldGroup + ml, "uris": []any{oldGroup + ml, 5, nil}, "null": nil}}
	moves(t).References([]string{"properties.computeId", "properties.uris.*", "properties.null", "properties.absent"}, doc)
	if got := doc.Text("properties.computeId"); got != newGroup+ml+"/computes/c" {
		t.Errorf("the compute is %s", got)
	}
	if got := doc.Text("properties.command"); got != oldGroup+ml {
		t.Errorf("what is no reference became %s", got)
	}
	uris, _ := doc.At("properties.uris")
	if list, _ := uris.([]any); len(list) != 3 || list[0] != newGroup+ml || list[1] != 5 || list[2] != nil {
		t.Errorf("the list became %v", uris)
	}
	if _, there := doc.At("properties.absent"); there {
		t.Error("a member was made")
	}
	before := doc.Clone()
	Map{}.References([]string{"properties.command"}, doc)
	if doc.Text("properties.command") != before.Text("properties.command") || !(Map{}).Empty() || moves(t).Empty() {
		t.Error("the empty map changes something")
	}
}

func TestWhatIsNoResourceIsNotMapped(t *testing.T) {
	t.Parallel()
	m := New([]arm.ID{parse(t, oldGroup), nil}, parse(t, newGroup))
	if !m.Empty() || m.Moves(parse(t, oldGroup+ml)) {
		t.Error("a group was taken for a resource that moves")
	}
	group := parse(t, newGroup)
	m = New([]arm.ID{parse(t, oldGroup+ml), parse(t, oldGroup+store)}, group)
	if group.String() != newGroup || m.ID(parse(t, oldGroup+store)).String() != newGroup+store || !m.Moves(parse(t, strings.ToLower(oldGroup+ml+"/jobs/j"))) {
		t.Error("one mapped id changed another")
	}
}
