// Package known is what Azure has around a workspace and whether Azure moves it: the names of resource types that the cloud answers with
// 501 when nobody built them, and the capability table of the move.
//
// types.txt holds one type a line with two marks, group and subscription: 1 moves, 0 does not, - nobody says (children travel with their
// parent). The marks are Azure's published move support table of 2025-03-04; names beyond it are those of the public API descriptions. The
// package knows no behaviour. It stands on arm alone.
package known

import (
	_ "embed"
	"strings"
	"sync"

	"github.com/amlmove/amlmove/internal/arm"
)

//go:embed types.txt
var text string

// mark is one line of the table.
type mark struct {
	typ                 arm.Type
	group, subscription bool
	listed              bool // in Azure's move support table
}

// table reads types.txt once, in its order.
var table = sync.OnceValue(func() []mark {
	var marks []mark
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			panic("known: a line of types.txt has not three fields: " + line)
		}
		marks = append(marks, mark{arm.Type(fields[0]), fields[1] == "1", fields[2] == "1", fields[1] != "-"})
	}
	return marks
})

// byKey finds a line by the type's key.
var byKey = sync.OnceValue(func() map[string]mark {
	marks := map[string]mark{}
	for _, m := range table() {
		marks[m.typ.Key()] = m
	}
	return marks
})

// Types returns the types that exist in Azure in the namespaces around a workspace, sorted by name.
func Types() []arm.Type {
	var types []arm.Type
	for _, m := range table() {
		types = append(types, m.typ)
	}
	return types
}

// Movable says whether Azure's table lets a type move between resource groups and between subscriptions; ok is false for a type that the table
// does not list. Providers refuse more (arm-move 4.2), and for Microsoft.MachineLearningServices/workspaces the service's own page says the opposite.
func Movable(typ arm.Type) (group, subscription, ok bool) {
	m := byKey()[typ.Key()]
	return m.group, m.subscription, m.listed
}
