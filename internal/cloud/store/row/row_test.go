package row

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

func TestSpanOf(t *testing.T) {
	t.Parallel()
	for _, try := range []struct {
		name string
		page store.ExtensionRange
		want Span
	}{
		{"a scope alone", store.ExtensionRange{Scope: "/A"}, Span{At: "/a"}},
		{"a scope and below", store.ExtensionRange{Scope: "/A", Below: true}, Span{At: "/a", Low: "/a/", High: "/a0"}},
		{"the tenant and below", store.ExtensionRange{Scope: "/", Below: true}, Span{At: "/", Low: "/", High: "0"}},
		{"position at the scope", store.ExtensionRange{Scope: "/a", Below: true, AfterScope: "/A", AfterType: "T", AfterName: "N"},
			Span{At: "/a", AfterType: "t", AfterName: "n", Low: "/a/", High: "/a0"}},
		{"position below", store.ExtensionRange{Scope: "/a", Below: true, AfterScope: "/a/b", AfterType: "t", AfterName: "n"},
			Span{At: "/a/b", AfterType: "t", AfterName: "n", Low: "/a/b", High: "/a0"}},
		{"position between the scope and what is below", store.ExtensionRange{Scope: "/a", Below: true, AfterScope: "/a-x", AfterName: "n"},
			Span{Low: "/a/", High: "/a0"}},
		{"position before the scope", store.ExtensionRange{Scope: "/b", Below: true, AfterScope: "/a", AfterName: "n"},
			Span{At: "/b", Low: "/b/", High: "/b0"}},
		{"position behind the range", store.ExtensionRange{Scope: "/a", Below: true, AfterScope: "/b"}, Span{}},
		{"position behind a single scope", store.ExtensionRange{Scope: "/a", AfterScope: "/b"}, Span{}},
		{"position within a single scope", store.ExtensionRange{Scope: "/a", AfterName: "N"}, Span{At: "/a", AfterName: "n"}},
	} {
		got, err := SpanOf(try.page)
		if err != nil || got != try.want {
			t.Errorf("%s: got %+v, %v; want %+v", try.name, got, err, try.want)
		}
	}
}

func TestRefs(t *testing.T) {
	t.Parallel()
	for _, ids := range [][]store.ID{nil, {0}, {1, 127, 128, 1 << 62, -1}} {
		got, err := UnpackRefs(PackRefs(ids))
		if err != nil || !slices.Equal(got, ids) {
			t.Errorf("got %v, %v; want %v", got, err, ids)
		}
	}
	if _, err := UnpackRefs([]byte{0x80}); !errs.Is(err, errs.Internal) {
		t.Errorf("cut short: got %v", err)
	}
}

func FuzzUnpackRefs(f *testing.F) {
	f.Add([]byte{1, 2, 0x80, 1})
	f.Fuzz(func(t *testing.T, packed []byte) {
		ids, err := UnpackRefs(packed)
		if err != nil {
			return
		}
		again, err := UnpackRefs(PackRefs(ids))
		if err != nil || !reflect.DeepEqual(ids, again) {
			t.Errorf("got %v, %v; want %v", again, err, ids)
		}
	})
}

func TestTime(t *testing.T) {
	t.Parallel()
	if got := Time(Micros(time.Time{})); !got.IsZero() {
		t.Errorf("the zero time became %v", got)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 6789, time.FixedZone("", 60))
	if got, want := Time(Micros(now)), now.UTC().Truncate(time.Microsecond); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
