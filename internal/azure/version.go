package azure

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// providersVersion reads what a provider offers; Azure has kept it since 2021.
const providersVersion = "2021-04-01"

// Offer is what a resource provider offers in a subscription.
type Offer struct {
	Namespace    string
	Registration string          // Registered, NotRegistered, Registering, Unregistering
	Raw          json.RawMessage // the whole document
	versions     map[string][]string
	types        []string
}

// Types are the types offered, below the namespace, as the provider spells them: workspaces/jobs.
func (o Offer) Types() []string { return slices.Clone(o.types) }

// Versions are the api-versions offered of a type, and whether it is offered at all.
func (o Offer) Versions(t arm.Type) ([]string, bool) {
	versions, ok := o.versions[strings.ToLower(t.Path())]
	return versions, ok
}

// offering is an Offer that is read once.
type offering struct {
	once  sync.Once
	offer Offer
	err   error
}

// Forget forgets what providers offer: whoever writes down how they are registered wants to know how they are now.
func (c *Client) Forget() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	clear(c.offers)
}

// Offer reads what a provider offers in a subscription. It is read once for each client, until that forgets it; an error is not kept.
func (c *Client) Offer(ctx context.Context, subscription, namespace string) (Offer, error) {
	key := strings.ToLower(subscription + "/" + namespace)
	c.mutex.Lock()
	held := c.offers[key]
	if held == nil {
		held = &offering{}
		c.offers[key] = held
	}
	c.mutex.Unlock()
	held.once.Do(func() { held.offer, held.err = c.readOffer(ctx, subscription, namespace) })
	if held.err != nil {
		c.mutex.Lock()
		if c.offers[key] == held {
			delete(c.offers, key)
		}
		c.mutex.Unlock()
	}
	return held.offer, held.err
}

func (c *Client) readOffer(ctx context.Context, subscription, namespace string) (Offer, error) {
	path := "/subscriptions/" + subscription + "/providers/" + namespace
	answer, err := c.Do(ctx, http.MethodGet, path, providersVersion, nil)
	if err != nil {
		return Offer{}, err
	}
	var doc struct {
		Namespace         string `json:"namespace"`
		RegistrationState string `json:"registrationState"`
		ResourceTypes     []struct {
			ResourceType string   `json:"resourceType"`
			APIVersions  []string `json:"apiVersions"`
		} `json:"resourceTypes"`
	}
	if err := json.Unmarshal(answer.Body, &doc); err != nil {
		return Offer{}, errs.Wrap(errs.Unavailable, "AnswerDamaged", err, "read what %s offers", path)
	}
	offer := Offer{Namespace: doc.Namespace, Registration: doc.RegistrationState, Raw: answer.Body, versions: map[string][]string{}}
	for _, t := range doc.ResourceTypes {
		offer.types = append(offer.types, t.ResourceType)
		offer.versions[strings.ToLower(t.ResourceType)] = t.APIVersions
	}
	return offer, nil
}

// Version chooses the api-version for a type in a subscription: the newest that we know and the provider offers. A provider that cannot be asked, or that does
// not list the type by itself (many children), is judged by the parents of the type, and at the end the newest that we know is taken.
func (c *Client) Version(ctx context.Context, subscription string, t arm.Type) string {
	known := Known(t)
	offer, err := c.Offer(ctx, subscription, t.Namespace())
	if err != nil {
		return first(known)
	}
	for at := t; at.Path() != ""; {
		if offered, ok := offer.Versions(at); ok && len(offered) > 0 {
			return Choose(offered, known)
		}
		cut := strings.LastIndexByte(string(at), '/')
		if cut < 0 {
			break
		}
		at = at[:cut]
	}
	return first(known)
}

func first(known []string) string {
	if len(known) == 0 {
		return providersVersion
	}
	return known[0]
}

// Choose picks an api-version: the first of those that we know, in our order, that is offered; else the newest stable one that is not newer than what we
// know, for its documents are those that we have read about; else the newest stable one offered; a preview only when nothing else is offered.
func Choose(offered, known []string) string {
	for _, version := range known {
		if slices.ContainsFunc(offered, func(o string) bool { return strings.EqualFold(o, version) }) {
			return version
		}
	}
	older, stable, preview := "", "", ""
	for _, version := range offered {
		switch {
		case len(version) > len("2006-01-02"):
			preview = max(preview, version)
		case len(known) > 0 && version <= known[0]:
			older = max(older, version)
			stable = max(stable, version)
		default:
			stable = max(stable, version)
		}
	}
	for _, version := range []string{older, stable, preview} {
		if version != "" {
			return version
		}
	}
	return first(known)
}

// known are the api-versions whose documents we have read about, newest first, by type in lower case; a type without a line takes its parent's, and at the top
// that of its namespace. Previews stand only where a kind has no stable version that shows it.
var known = map[string][]string{
	"microsoft.machinelearningservices":                             {"2025-12-01", "2025-09-01", "2025-06-01", "2024-10-01", "2024-04-01", "2023-10-01", "2023-04-01", "2022-10-01"},
	"microsoft.machinelearningservices/workspaces/services":         {"2021-04-01", "2021-01-01", "2020-05-01-preview"},
	"microsoft.machinelearningservices/workspaces/labelingjobs":     {"2024-04-01-preview", "2023-08-01-preview", "2023-04-01-preview", "2021-03-01-preview", "2020-09-01-preview"},
	"microsoft.machinelearningservices/workspaces/linkedservices":   {"2020-09-01-preview"},
	"microsoft.machinelearningservices/workspaces/linkedworkspaces": {"2020-05-15-preview", "2020-03-01"},
	"microsoft.authorization/locks":                                 {"2020-05-01", "2016-09-01"},
	"microsoft.authorization/roleassignments":                       {"2022-04-01"},
	"microsoft.authorization/roledefinitions":                       {"2022-04-01"},
	"microsoft.authorization/permissions":                           {"2022-04-01", "2015-07-01"},
	"microsoft.authorization/policyassignments":                     {"2023-04-01", "2022-06-01"},
	"microsoft.authorization/policydefinitions":                     {"2023-04-01", "2021-06-01"},
	"microsoft.authorization/policysetdefinitions":                  {"2023-04-01", "2021-06-01"},
	"microsoft.authorization/policyexemptions":                      {"2022-07-01-preview", "2020-07-01-preview"},
	"microsoft.insights/components":                                 {"2020-02-02", "2015-05-01"},
	"microsoft.insights/diagnosticsettings":                         {"2021-05-01-preview", "2017-05-01-preview"},
	"microsoft.insights/metricalerts":                               {"2018-03-01"},
	"microsoft.insights/scheduledqueryrules":                        {"2023-12-01", "2022-06-15", "2021-08-01"},
	"microsoft.insights/activitylogalerts":                          {"2020-10-01", "2017-04-01"},
	"microsoft.alertsmanagement/smartdetectoralertrules":            {"2021-04-01", "2019-06-01"},
	"microsoft.insights/autoscalesettings":                          {"2022-10-01", "2015-04-01"},
	"microsoft.insights/metrics":                                    {"2018-01-01", "2019-07-01", "2023-10-01"},
	"microsoft.storage":                                             {"2024-01-01", "2023-05-01", "2023-01-01", "2022-09-01", "2021-09-01"},
	"microsoft.keyvault":                                            {"2023-07-01", "2022-07-01", "2021-10-01"},
	"microsoft.containerregistry":                                   {"2023-07-01", "2022-12-01"},
	"microsoft.network":                                             {"2024-05-01", "2024-01-01", "2023-11-01", "2023-09-01", "2022-07-01"},
	"microsoft.databricks/workspaces":                               {"2026-01-01", "2024-05-01", "2023-02-01", "2018-04-01"},
	"microsoft.resources":                                           {"2022-09-01", "2021-04-01"},
	"microsoft.resources/subscriptions":                             {"2022-12-01", "2020-01-01"},
	"microsoft.resources/tenants":                                   {"2022-12-01", "2020-01-01"},
	"microsoft.managedidentity":                                     {"2023-01-31"},
}

// Known returns the api-versions of a type whose documents we have read about, newest first.
func Known(t arm.Type) []string {
	for at := t.Key(); at != ""; {
		if versions, ok := known[at]; ok {
			return versions
		}
		at = at[:max(0, strings.LastIndexByte(at, '/'))]
	}
	return nil
}
