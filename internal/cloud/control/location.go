package control

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// Location is a region of Azure.
type Location struct{ Name, Display, Geography string }

// Locations are the regions that this cloud offers.
var Locations = []Location{
	{"eastus", "East US", "United States"}, {"eastus2", "East US 2", "United States"}, {"westus", "West US", "United States"},
	{"westus2", "West US 2", "United States"}, {"westus3", "West US 3", "United States"}, {"centralus", "Central US", "United States"},
	{"northcentralus", "North Central US", "United States"}, {"southcentralus", "South Central US", "United States"},
	{"westcentralus", "West Central US", "United States"}, {"canadacentral", "Canada Central", "Canada"}, {"canadaeast", "Canada East", "Canada"},
	{"brazilsouth", "Brazil South", "Brazil"}, {"northeurope", "North Europe", "Europe"}, {"westeurope", "West Europe", "Europe"},
	{"uksouth", "UK South", "United Kingdom"}, {"ukwest", "UK West", "United Kingdom"}, {"francecentral", "France Central", "France"},
	{"germanywestcentral", "Germany West Central", "Germany"}, {"norwayeast", "Norway East", "Norway"}, {"swedencentral", "Sweden Central", "Sweden"},
	{"switzerlandnorth", "Switzerland North", "Switzerland"}, {"italynorth", "Italy North", "Italy"}, {"polandcentral", "Poland Central", "Poland"},
	{"uaenorth", "UAE North", "UAE"}, {"southafricanorth", "South Africa North", "South Africa"}, {"centralindia", "Central India", "India"},
	{"southindia", "South India", "India"}, {"eastasia", "East Asia", "Asia Pacific"}, {"southeastasia", "Southeast Asia", "Asia Pacific"},
	{"japaneast", "Japan East", "Japan"}, {"japanwest", "Japan West", "Japan"}, {"koreacentral", "Korea Central", "Korea"},
	{"australiaeast", "Australia East", "Australia"}, {"australiasoutheast", "Australia Southeast", "Australia"},
	{"spaincentral", "Spain Central", "Spain"}, {"israelcentral", "Israel Central", "Israel"}, {"qatarcentral", "Qatar Central", "Qatar"},
	{"mexicocentral", "Mexico Central", "Mexico"}, {"chilecentral", "Chile Central", "Chile"}, {"newzealandnorth", "New Zealand North", "New Zealand"},
	{"indonesiacentral", "Indonesia Central", "Indonesia"}, {"malaysiawest", "Malaysia West", "Malaysia"}, {"austriaeast", "Austria East", "Austria"},
	{"belgiumcentral", "Belgium Central", "Belgium"}, {"francesouth", "France South", "France"}, {"germanynorth", "Germany North", "Germany"},
	{"norwaywest", "Norway West", "Norway"}, {"switzerlandwest", "Switzerland West", "Switzerland"}, {"swedensouth", "Sweden South", "Sweden"},
	{"uaecentral", "UAE Central", "UAE"}, {"southafricawest", "South Africa West", "South Africa"}, {"westindia", "West India", "India"},
	{"jioindiawest", "Jio India West", "India"}, {"jioindiacentral", "Jio India Central", "India"}, {"koreasouth", "Korea South", "Korea"},
	{"brazilsoutheast", "Brazil Southeast", "Brazil"}, {"australiacentral", "Australia Central", "Australia"},
	{"eastus2euap", "East US 2 EUAP", "United States"}, {"centraluseuap", "Central US EUAP", "United States"}, {"australiacentral2", "Australia Central 2", "Australia"},
}

func (e *Engine) listLocations(ctx context.Context, req *Request) (Response, error) {
	items := []any{}
	err := e.View(ctx, func(_ store.Reader, st *State) error {
		items = items[:0]
		if err := st.Admit(req, "Microsoft.Resources/subscriptions/locations/read", req.Target.ID); err != nil {
			return err
		}
		for _, l := range Locations {
			items = append(items, map[string]any{"id": req.Target.ID.String() + "/locations/" + l.Name, "name": l.Name, "type": "Region",
				"displayName": l.Display, "regionalDisplayName": "(" + l.Geography + ") " + l.Display,
				"metadata": map[string]any{"regionType": "Physical", "regionCategory": "Recommended", "geography": l.Geography, "geographyGroup": l.Geography}})
		}
		return nil
	})
	if err != nil {
		return Response{}, err
	}
	body, err := json.Marshal(map[string]any{"value": items})
	return Response{Status: http.StatusOK, Body: body}, err
}

// groupOffered refuses to make a group in a location that is none.
func (e *Engine) groupOffered(ctx context.Context, r store.Reader, st *State, location string) error {
	if known, err := e.region(ctx, r, st, location); known || err != nil {
		return err
	}
	return errs.New(errs.Invalid, "LocationNotAvailableForResourceGroup",
		"The provided location '%s' is not available for resource group. List of available regions is '%s'.", location, regions(false)).At("location")
}

// offered refuses to make a resource in a location that its type is not offered in.
func (e *Engine) offered(ctx context.Context, r store.Reader, st *State, call *provider.Call) error {
	if !call.Type.Tracked || call.Old != nil {
		return nil
	}
	location := call.Location()
	if call.Type.Global && provider.Region(location) == global {
		return nil
	}
	if known, err := e.region(ctx, r, st, location); known || err != nil {
		return err
	}
	return errs.New(errs.Invalid, "LocationNotAvailableForResourceType",
		"The provided location '%s' is not available for resource type '%s'. List of available regions for the resource type is '%s'.", location, call.Type.Name, regions(call.Type.Global)).At("location")
}

// global is the location of what has no place.
const global = "global"

// regions lists where something is offered, for people.
func regions(everywhere bool) string {
	var names []string
	if everywhere {
		names = append(names, global)
	}
	for _, l := range Locations {
		names = append(names, l.Name)
	}
	return strings.Join(names, ",")
}

// region reports whether a location is one: of the table, or younger than it. A cloud that is a copy has the regions of what it is a copy of, and so of some group.
func (e *Engine) region(ctx context.Context, r store.Reader, st *State, location string) (bool, error) {
	name := provider.Region(location)
	if slices.ContainsFunc(Locations, func(l Location) bool { return l.Name == name }) {
		return true, nil
	}
	for _, s := range st.ordered {
		groups, err := r.Children(ctx, s.Node, store.Range{Type: arm.ResourceGroups, Limit: maxPageSize})
		if err != nil {
			return false, err
		}
		for _, group := range groups {
			doc, err := e.Tree.Decode(ctx, r, tree.Found{Chain: []store.Node{{Type: SubscriptionNode, Name: s.ID, ID: s.Node}, group}, Node: group})
			if err != nil {
				return false, err
			}
			if provider.Region(tree.Text(doc.Public, "location")) == name {
				return true, nil
			}
		}
	}
	return false, nil
}
