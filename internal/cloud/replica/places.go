package replica

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/provider/ml"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// places in the form of a fixture's file.
type places struct {
	Name          string          `json:"name"`
	Home          string          `json:"home"`
	Client        string          `json:"client"`
	Tenants       []tenant        `json:"tenants"`
	Subscriptions []*subscription `json:"subscriptions"`
	Roles         []role          `json:"roles,omitempty"`
	Principals    []person        `json:"principals"`
}

type tenant struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Domain string `json:"domain"`
}

type subscription struct {
	ID         string                    `json:"id"`
	Name       string                    `json:"name"`
	Tenant     string                    `json:"tenant"`
	State      string                    `json:"state"`
	Registered []string                  `json:"registered"`
	Quota      map[string]map[string]int `json:"quota,omitempty"`
	Used       map[string]map[string]int `json:"used,omitempty"` // by others

	known map[string]bool // namespaces whose registration was captured
}

// subscription finds a subscription, or notes one that documents name.
func (l *loading) subscription(id string) *subscription {
	key := strings.ToLower(id)
	s := l.subscriptions[key]
	if s == nil {
		s = &subscription{ID: id, Name: id, Tenant: l.snap.Header.TenantID, State: "Enabled", known: map[string]bool{}, Quota: map[string]map[string]int{}, Used: map[string]map[string]int{}}
		l.subscriptions[key] = s
	}
	return s
}

// registration notes whether a namespace is registered.
func (l *loading) registration(d snapshot.Document, body arm.Document) {
	namespace := body.Text("namespace")
	s := l.subscription(subscriptionIn(d.ID))
	if s.known[strings.ToLower(namespace)] { // both ends may be of one subscription
		return
	}
	s.known[strings.ToLower(namespace)] = true
	if strings.EqualFold(body.Text("registrationState"), "Registered") {
		s.Registered = append(s.Registered, namespace)
	}
}

// subscriptionIn is the subscription in a path that is no id of a resource.
func subscriptionIn(path string) string {
	words := strings.Split(path, "/")
	if len(words) < 3 || !strings.EqualFold(words[1], "subscriptions") {
		return ""
	}
	return words[2]
}

// quota notes a limit. Ids of limits name no region: it is that of the workspace, for which they were asked.
func (l *loading) quota(d snapshot.Document, body arm.Document) {
	limit, err := number(body, "limit")
	name := body.Text("name.value")
	if err != nil || name == "" {
		l.leave(d.ID, "it is no limit of a family of machines")
		return
	}
	s := l.subscription(subscriptionIn(d.ID))
	in(s.Quota, l.region())[family(name)] = limit
}

// usage notes what is used of a family, by whom ever. What the workspace uses itself is taken off when its contents are read.
func (l *loading) usage(d snapshot.Document, body arm.Document) {
	used, err := number(body, "currentValue")
	if name := body.Text("name.value"); err == nil && used > 0 && strings.HasSuffix(name, " vCPUs") && name != "Total Cluster Dedicated Regional vCPUs" && !strings.Contains(d.ID, "/workspaces/") {
		in(l.subscription(subscriptionIn(d.ID)).Used, l.region())[family(name)] = used
	}
}

// own takes off what a document of the workspace uses: the cloud counts that itself.
func (l *loading) own(subscription string, doc map[string]any) {
	name, cores := ml.CoresOf(doc)
	used := in(l.subscription(subscription).Used, l.region())
	if used[name] -= cores; used[name] <= 0 {
		delete(used, name)
	}
}

// in is the part of numbers that is of a region.
func in(numbers map[string]map[string]int, region string) map[string]int {
	if numbers[region] == nil {
		numbers[region] = map[string]int{}
	}
	return numbers[region]
}

// family is a family of machines as limits are kept under its name.
func family(name string) string { return strings.ReplaceAll(name, " ", "_") }

func number(body arm.Document, path string) (int, error) {
	value, _ := body.At(path)
	if n, ok := value.(json.Number); ok {
		whole, err := n.Int64()
		return int(whole), err
	}
	n, ok := value.(float64)
	if !ok {
		return 0, errs.New(errs.Invalid, "NoNumber", "%s is no number", path)
	}
	return int(n), nil
}

// gaps finds what the capture was refused because of where it is: a subscription of another tenant is one here as well.
func (l *loading) gaps(ctx context.Context) error {
	gaps, err := l.snap.Gaps(ctx)
	if err != nil {
		return err
	}
	for _, g := range gaps {
		id, err := arm.Parse(g.Path)
		if err != nil || len(id) != 1 || id.Subscription() == "" {
			continue
		}
		switch g.Code {
		case "InvalidAuthenticationTokenTenant":
			other := tenant{ID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(id.Key())).String(), Name: "The tenant of " + id.Subscription(), Domain: "other.example"}
			l.tenants = append(l.tenants, other)
			l.subscription(id.Subscription()).Tenant = other.ID
		case "SubscriptionNotFound":
		default:
			l.subscription(id.Subscription())
		}
	}
	return nil
}

// places are the tenants, subscriptions and people, in the form of a fixture's file.
func (l *loading) places() ([]byte, error) {
	home := l.snap.Header.TenantID
	if !slices.ContainsFunc(l.tenants, func(t tenant) bool { return t.ID == home }) {
		l.tenants = append(l.tenants, tenant{ID: home, Name: "Home", Domain: "home.example"})
	}
	for i := range l.tenants {
		l.tenants[i].Name, l.tenants[i].Domain = plain(l.tenants[i].Name), plain(l.tenants[i].Domain)
	}
	p := places{Name: "replica", Home: home, Client: callerName, Tenants: l.tenants}
	for _, id := range slices.Sorted(maps.Keys(l.subscriptions)) {
		s := l.subscriptions[id]
		l.register(s)
		p.Subscriptions = append(p.Subscriptions, s)
		if s.Tenant != home && !slices.ContainsFunc(p.Tenants, func(t tenant) bool { return t.ID == s.Tenant }) {
			p.Tenants = append(p.Tenants, tenant{ID: s.Tenant, Name: s.Tenant, Domain: "other.example"})
		}
	}
	p.Roles, p.Principals = l.persons()
	return json.Marshal(p)
}

// register adds the namespaces of what is there and whose registration nobody asked for: what is there was made with it.
func (l *loading) register(s *subscription) {
	for _, documents := range []map[string]fixture.Document{l.resources, l.extensions} {
		for _, d := range documents {
			namespace := d.ID.Type().Namespace()
			spelled, _, known := l.target.Types.Namespace(namespace)
			if known && strings.EqualFold(d.ID.Subscription(), s.ID) && !s.known[strings.ToLower(namespace)] {
				s.known[strings.ToLower(namespace)] = true
				s.Registered = append(s.Registered, spelled)
			}
		}
	}
	slices.Sort(s.Registered)
}
