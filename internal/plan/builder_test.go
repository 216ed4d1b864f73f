package plan

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

func TestThingsOfOneNameAreStepsOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.add(snapshot.Source, ws+"/computes/a"+locks+"l", `{"properties":{"level":"CanNotDelete"}}`).add(snapshot.Source, ws+"/jobs/a"+locks+"l", `{"properties":{"level":"CanNotDelete"}}`)
	s.content("computes/a", `{"properties":{"computeType":"AmlCompute"}}`)
	p := s.plan()
	first := step(t, p, "restore/restoreLock/a.l")
	var second Step
	for _, s := range p.Steps {
		if strings.HasPrefix(s.ID, "restore/restoreLock/a.l~") {
			second = s
		}
	}
	if second.ID == "" || first.Subject == second.Subject {
		t.Errorf("two locks of one name are %q and %q", first.Subject, second.Subject)
	}
}

func TestTheSameFactsGiveTheSamePlanInWhateverOrder(t *testing.T) {
	t.Parallel()
	want, err := json.Marshal(full(t).plan())
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(20) {
		s := full(t)
		random := rand.New(rand.NewPCG(seed, 7))
		random.Shuffle(len(s.items), func(i, j int) { s.items[i], s.items[j] = s.items[j], s.items[i] })
		random.Shuffle(len(s.findings), func(i, j int) { s.findings[i], s.findings[j] = s.findings[j], s.findings[i] })
		got, err := json.Marshal(s.plan())
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Fatalf("shuffled by %d the plan is another one", seed)
		}
	}
}

func TestMakingAPlanChangesNothingOfWhatItIsMadeOf(t *testing.T) {
	t.Parallel()
	s, untouched := full(t), full(t)
	s.plan()
	if !reflect.DeepEqual(s.items, untouched.items) || !reflect.DeepEqual(s.findings, untouched.findings) {
		t.Error("the documents or findings were changed")
	}
}

func TestNamesInDocumentsAreFoundInEveryForm(t *testing.T) {
	t.Parallel()
	b := newBuilder(newScene(t).facts(), nil, rules.Choices{}, 0)
	for text, want := range map[string]string{
		ws + "/computes/cpu": "/computes/cpu",
		"azureml:" + strings.ToUpper(ws) + "/COMPUTES/CPU":           "/computes/cpu",
		"runs://x?of=" + ws + "/onlineEndpoints/e/deployments/d&y=1": "/onlineendpoints/e/deployments/d",
		ws + "-other/computes/cpu":                                   "",
		"cpu":                                                        "",
	} {
		found := b.named(arm.Document{"text": text})
		if want == "" && len(found) > 0 || want != "" && !found[strings.ToLower(ws)+want] {
			t.Errorf("%s: found %v, want %q", text, found, want)
		}
	}
	if found := b.named(arm.Document{"computeId": "azureml:cpu"}); !found[strings.ToLower(ws)+"/computes/cpu"] {
		t.Errorf("a compute named by its name is not found: %v", found)
	}
}
