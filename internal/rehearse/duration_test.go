package rehearse

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/admin"
	"github.com/amlmove/amlmove/internal/cloud/fault"
	"github.com/amlmove/amlmove/internal/cloud/move"
)

func TestDurationsAreReadAndBounded(t *testing.T) {
	t.Parallel()
	read := func(text string) (Model, error) {
		file := filepath.Join(t.TempDir(), "d.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return ReadModel(file)
	}
	m, err := read(`{"Computes.Put": {"typical": "4m", "worst": "1h"}, "deployments.put": {"worst": "2h"}}`)
	if err != nil || m.Typical()["computes.put"] != 4*time.Minute || m.Worst()["computes.put"] != time.Hour || m.Typical()["deployments.put"] != admin.Typical()["deployments.put"] || m.Worst()["deployments.put"] != 2*time.Hour {
		t.Errorf("got %v, %v", m, err)
	}
	if m, err = read(`{"move.move": {"typical": "25m"}, "computes.put": {"typical": "40m"}}`); err != nil || m.Typical()["move.move"] != 25*time.Minute || m.Worst()["move.move"] != DefaultModel().Worst()["move.move"] || m.Worst()["computes.put"] != 40*time.Minute {
		t.Errorf("a bad day takes as long as any other when only the typical is named: %v, %v", m, err)
	}
	if m, err = read(`{"move.move": {"typical": "9h", "worst": "10h"}}`); err != nil || m.Typical()["move.move"]+m.Typical()["move.validate"] >= fault.MoveLimit {
		t.Errorf("ARM would not go on that long: %v, %v", m, err)
	}
	for text, want := range map[string]string{`{`: "cannot be read", `{"computes.put": {"typicaly": "3m"}}`: "typicaly", `{} {}`: "cannot be read", `{"moon.rise": {}}`: "moon.rise", `{"computes.put": {"typical": "soon"}}`: "no duration", `{"computes.put": {"typical": "-3m"}}`: "must be from", `{"computes.put": {"worst": "9999h"}}`: "must be from"} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	bad := DefaultModel().Worst()
	if bad[move.OpValidate]+bad[move.OpMove] >= fault.MoveLimit {
		t.Errorf("the worst move takes %s and %s", bad[move.OpValidate], bad[move.OpMove])
	}
	for name, typical := range DefaultModel().Typical() {
		if bad[name] < typical {
			t.Errorf("%s is worse as a rule than on a bad day", name)
		}
	}
}
