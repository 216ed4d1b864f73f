package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// Ids of the small world that the tests change.
const (
	sub1    = "/subscriptions/s1"
	sub2    = "/subscriptions/s2"
	group1  = sub1 + "/resourceGroups/g1"
	group2  = sub2 + "/resourceGroups/g2"
	ws      = group1 + "/providers/Microsoft.MachineLearningServices/workspaces/w"
	storage = group1 + "/providers/Microsoft.Storage/storageAccounts/store"
	vault   = group1 + "/providers/Microsoft.KeyVault/vaults/vault"
	insight = group1 + "/providers/Microsoft.Insights/components/ai"
	auth    = "/providers/Microsoft.Authorization/"
	region1 = "/providers/Microsoft.MachineLearningServices/locations/eastus/"
)

// world is what a snapshot says, as text: the smallest in which a workspace can move without anything to do.
type world struct {
	header  snapshot.Header
	docs    map[string]stored
	gaps    []snapshot.Gap
	notes   []snapshot.Note
	choices Choices
}

type stored struct {
	section snapshot.Section
	key     string
	typ     arm.Type
	body    string
}

// change changes a world.
type change func(*world)

// put adds a document, or replaces the one of its key.
func put(section snapshot.Section, id, body string) change {
	return func(w *world) {
		parsed, err := arm.Parse(id)
		if err != nil {
			panic(err)
		}
		w.docs[string(section)+strings.ToLower(id)] = stored{section, id, parsed.Type(), body}
	}
}

// keyed adds a document without an id of its own.
func listed(section snapshot.Section, key string, typ arm.Type, body string) change {
	return func(w *world) { w.docs[string(section)+strings.ToLower(key)] = stored{section, key, typ, body} }
}

func content(path, body string) change { return put(snapshot.Content, ws+"/"+path, body) }
func source(id, body string) change    { return put(snapshot.Source, id, body) }
func target(id, body string) change    { return put(snapshot.Target, id, body) }

// without takes a document away.
func without(section snapshot.Section, id string) change {
	return func(w *world) { delete(w.docs, string(section)+strings.ToLower(id)) }
}

// gap puts a gap where a document or list was.
func gap(section snapshot.Section, path string, status int) change {
	return func(w *world) {
		delete(w.docs, string(section)+strings.ToLower(path))
		w.gaps = append(w.gaps, snapshot.Gap{Section: section, Path: path, Status: status, Code: "TheCode", Message: "message", Why: "it matters"})
	}
}

func remark(code, subject string) change {
	return func(w *world) {
		w.notes = append(w.notes, snapshot.Note{Code: code, Subject: subject, Text: "look yourself"})
	}
}

func choose(f func(*Choices)) change { return func(w *world) { f(&w.choices) } }

func confirm(ids ...string) change { return choose(func(c *Choices) { c.Confirmed = ids }) }

func include(names ...string) change { return choose(func(c *Choices) { c.Include = names }) }

// workspace replaces members of the workspace's properties.
func workspace(properties string) change {
	return put(snapshot.Content, ws, `{"id":"`+ws+`","name":"w","location":"East US","kind":"Default","properties":{"provisioningState":"Succeeded","tenantId":"t",`+
		`"storageAccount":"`+storage+`","keyVault":"`+vault+`","applicationInsights":"`+insight+`"`+properties+`}}`)
}

// permit replaces the permissions at a scope; none takes them away.
func permit(section snapshot.Section, scope string, bodies ...string) change {
	return func(w *world) {
		path := scope + auth + "permissions"
		delete(w.docs, string(section)+strings.ToLower(path+"#0"))
		for i, body := range bodies {
			listed(section, fmt.Sprintf("%s#%d", path, i), aml.Permissions, body)(w)
		}
	}
}

// offer says what a provider of one end is like.
func offer(section snapshot.Section, namespace, state, types string) change {
	subscription := map[snapshot.Section]string{snapshot.Source: sub1, snapshot.Target: sub2}[section]
	return listed(section, subscription+"/providers/"+namespace, aml.Providers, `{"namespace":"`+namespace+`","registrationState":"`+state+`","resourceTypes":[`+types+`]}`)
}

func movableType(name string) string {
	return `{"resourceType":"` + name + `","locations":["East US","West Europe"],"capabilities":"CrossResourceGroupResourceMove, CrossSubscriptionResourceMove"}`
}

// usage is one line of the target's usage.
func usage(name string, used, limit int) change {
	return listed(snapshot.Target, sub2+region1+"usages#"+name, aml.Usages, fmt.Sprintf(`{"currentValue":%d,"limit":%d,"name":{"value":"%s"}}`, used, limit, name))
}

// size is one machine size that the target offers.
func size(name, family string, vCPUs int, uses string) change {
	return listed(snapshot.Target, sub2+region1+"vmSizes#"+name, aml.VMSizes, fmt.Sprintf(`{"name":"%s","family":"%s","vCPUs":%d,"lowPriorityCapable":true,"supportedComputeTypes":[%s]}`, name, family, vCPUs, uses))
}

// quiet makes the world to begin with.
func quiet() *world {
	w := &world{docs: map[string]stored{}, choices: Choices{Drain: Wait}, header: snapshot.Header{WorkspaceID: ws, TargetID: group2, TenantID: "t", Who: "somebody",
		Ended: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}}
	for _, c := range []change{
		workspace(""),
		source(storage, `{"location":"eastus","properties":{"provisioningState":"Succeeded"}}`),
		source(vault, `{"location":"eastus","properties":{"provisioningState":"Succeeded"}}`),
		source(insight, `{"location":"eastus","properties":{"provisioningState":"Succeeded"}}`),
		source(sub1, `{"tenantId":"t","state":"Enabled"}`), target(sub2, `{"tenantId":"t","state":"Enabled"}`),
		source(group1, `{"location":"eastus","properties":{"provisioningState":"Succeeded"}}`),
		target(group2, `{"location":"eastus","tags":{"stage":"prod"},"properties":{"provisioningState":"Succeeded"}}`),
		permit(snapshot.Source, group1, `{"actions":["*"],"notActions":[]}`), permit(snapshot.Source, ws, `{"actions":["*"],"notActions":[]}`),
		permit(snapshot.Target, group2, `{"actions":["*"],"notActions":[]}`), permit(snapshot.Target, sub2, `{"actions":["*"],"notActions":[]}`),
		usage("Standard DSv2 Family Cluster Dedicated vCPUs", 20, 100), usage("Total Cluster Dedicated Regional vCPUs", 20, 500),
		usage("Total Cluster LowPriority Regional vCPUs", 0, 16), usage("Clusters", 1, 10),
		size("Standard_DS3_v2", "standardDSv2Family", 4, `"AmlCompute","ComputeInstance","MIR"`),
		size("Standard_NC6", "standardNCFamily", 6, `"AmlCompute"`),
	} {
		c(w)
	}
	types := map[string]string{aml.Namespace: "workspaces", "Microsoft.Storage": "storageAccounts", "Microsoft.KeyVault": "vaults", "Microsoft.Insights": "components"}
	for _, ns := range aml.RequiredNamespaces(aml.Needs{AKS: true, CMK: true}) {
		entry := ""
		if types[ns] != "" {
			entry = movableType(types[ns])
		}
		offer(snapshot.Target, ns, "Registered", entry)(w)
	}
	return w
}

// facts makes the facts of a world.
func (w *world) facts(t testing.TB) *facts.Facts {
	t.Helper()
	var items []facts.Item
	for _, key := range slices.Sorted(maps.Keys(w.docs)) {
		d := w.docs[key]
		doc, err := arm.ParseDocument([]byte(d.body))
		if err != nil {
			t.Fatalf("%s: %v", d.key, err)
		}
		items = append(items, facts.NewItem(snapshot.Document{Section: d.section, ID: d.key, Type: d.typ}, doc))
	}
	f, err := facts.New(w.header, w.gaps, w.notes, items...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// judgeWorld judges the quiet world with changes.
func judgeWorld(t testing.TB, changes ...change) []Finding {
	t.Helper()
	w := quiet()
	for _, c := range changes {
		c(w)
	}
	return Judge(w.facts(t), w.choices)
}

// told writes the findings of one rule in short: "blocker/person w".
func told(findings []Finding, id string) []string {
	list := []string{}
	for _, f := range findings {
		if f.ID == id {
			list = append(list, fmt.Sprintf("%s/%s %s", f.Severity, f.Answer, f.Subject[strings.LastIndexByte(f.Subject, '/')+1:]))
		}
	}
	return list
}
