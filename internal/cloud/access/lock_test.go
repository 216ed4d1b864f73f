package access

import (
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

func armType(s string) arm.Type { return arm.Type(s) }

func TestBlocking(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		level  Level
		locked string
		op     Operation
		scope  string
		want   bool
	}{
		{"arm-move 2: a read-only group takes no writes", ReadOnly, source, Write, source, true},
		{"arm-move 3.1: a read-only subscription takes no writes in its groups", ReadOnly, sub, Write, workspace, true},
		{"a read-only workspace does not stop a write to its group", ReadOnly, workspace, Write, source, false},
		{"a read-only group stops deletes below", ReadOnly, source, Delete, workspace, true},
		{"S13 a group that must not be deleted stops deletes below", CanNotDelete, source, Delete, workspace, true},
		{"a group that must not be deleted takes writes", CanNotDelete, source, Write, workspace, false},
		{"a locked workspace keeps its group from being deleted", CanNotDelete, workspace, Delete, source, true},
		{"a read-only workspace keeps its group from being deleted", ReadOnly, workspace, Delete, source, true},
		{"a lock on rg1 does not hold for rg10", ReadOnly, source, Write, source + "0", false},
		{"case does not matter", ReadOnly, "/SUBSCRIPTIONS/11111111-1111-1111-1111-111111111111/RESOURCEGROUPS/RG1", Write, workspace, true},
		{"repeated slashes, which az sends, count as one", ReadOnly, source, Write, sub + "/resourceGroups//rg1/providers/Microsoft.X//y/z", true},
		{"a level that is not specified stops nothing", NotSpecified, source, Delete, source, false},
		{"a lock can be removed in spite of a lock", ReadOnly, source, Delete, source + "/providers/Microsoft.Authorization/locks/l", false},
		{"role assignments under a lock cannot be removed", CanNotDelete, source, Delete, workspace + "/providers/Microsoft.Authorization/roleAssignments/x", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			lock := Lock{ID: c.locked + "/providers/Microsoft.Authorization/locks/l", Scope: c.locked, Level: c.level}
			if got := len(Blocking([]Lock{lock}, c.scope, c.op)) == 1; got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestScopeLockedSaysWhatARMSays(t *testing.T) {
	t.Parallel()
	locks := []Lock{{Scope: "/subscriptions/s"}, {Scope: "/subscriptions/s/resourceGroups/g"}, {Scope: "/SUBSCRIPTIONS/s"}}
	for op, want := range map[Operation]string{
		Write:  "The scope '/x' cannot perform write operation because following scope(s) are locked: '/subscriptions/s','/subscriptions/s/resourceGroups/g'. Please remove the lock and try again.",
		Delete: "The scope '/x' cannot perform delete operation because following scope(s) are locked: '/subscriptions/s','/subscriptions/s/resourceGroups/g'. Please remove the lock and try again.",
	} {
		if e := ScopeLocked("/x", op, locks); e.Message != want || e.Code != "ScopeLocked" || e.Kind != errs.Conflict {
			t.Errorf("got %s: %s", e.Code, e.Message)
		}
	}
}

func TestParseLock(t *testing.T) {
	t.Parallel()
	l, err := ParseLock(source+"/providers/Microsoft.Authorization/locks/l", []byte(`{"properties":{"level":"cannotdelete"}}`))
	if err != nil || l.Level != CanNotDelete || l.Scope != source {
		t.Errorf("read as %+v, %v", l, err)
	}
	_, err = ParseLock("/providers/Microsoft.Authorization/locks/l", []byte(`{"properties":{}}`))
	wantCode(t, err, "InvalidLockLevel")
	for method, want := range map[string]Operation{"GET": "", "HEAD": "", "PUT": Write, "POST": Write, "PATCH": Write, "DELETE": Delete} {
		if op, ok := OperationOf(method); op != want || ok != (want != "") {
			t.Errorf("%s: got %q", method, op)
		}
	}
}

func TestScopesBeyondASCII(t *testing.T) {
	t.Parallel()
	kelvin := Lock{Scope: "/subscriptions/s/resourceGroups/rg-k", Level: ReadOnly}
	if len(Blocking([]Lock{kelvin}, "/subscriptions/s/resourceGroups/rg-\u212a/providers/Microsoft.X/y/z", Write)) != 1 {
		t.Error("a name that arm.ID.Key finds slips past the lock")
	}
	for _, odd := range []string{"/\u0130\u0130\u0130/providers/x", "/\xff\xff\xff\xff/providers/microsoft.authorization/locks", "//", ""} {
		scopeOf(odd)
		managesLocks(cleanScope(odd))
		if within(cleanScope(odd), "/\u0131") {
			t.Errorf("%q is taken for something below a scope of one letter", odd)
		}
	}
}
