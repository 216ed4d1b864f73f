//go:build ignore

// Shapegen reads the published OpenAPI of the provider (Azure/azure-rest-api-specs, MIT) and writes shapes.txt: which members the bodies of
// requests have, of what JSON type, which are required, read-only or fixed at creation, and which values they may take.
//
// The definitions of answers, which only the tests need, are written on demand.
//
//	go run shapegen.go FOLDER_OF_THE_API_VERSION > shapes.txt
//	go run shapegen.go FOLDER_OF_THE_API_VERSION answers > testdata/answers.txt
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// roots are the definitions that requests carry.
var roots = strings.Fields(`Workspace ComputeResource OnlineEndpointTrackedResource OnlineDeploymentTrackedResource BatchEndpointTrackedResource
BatchDeploymentTrackedResource ServerlessEndpointTrackedResource MarketplaceSubscriptionResource JobBaseResource ScheduleResource DatastoreResource
DataContainerResource DataVersionBaseResource ModelContainerResource ModelVersionResource EnvironmentContainerResource EnvironmentVersionResource
CodeContainerResource CodeVersionResource ComponentContainerResource ComponentVersionResource FeaturesetContainerResource FeaturesetVersionResource
FeaturestoreEntityContainerResource FeaturestoreEntityVersionResource WorkspaceConnectionPropertiesV2BasicResource OutboundRuleBasicResource
PrivateEndpointConnection DiagnoseWorkspaceParameters RegenerateEndpointKeysRequest DeploymentLogsRequest PendingUploadRequestDto DestinationAsset
QuotaUpdateParameters FeaturesetVersionBackfillRequest`)

// answers are the definitions of what actions answer.
var answers = strings.Fields(`ListWorkspaceKeysResult ListNotebookKeysResult ListStorageAccountKeysResult NotebookAccessTokenResult DiagnoseResponseResult
ComputeSecrets AmlComputeNodesInformation ListUsagesResult ListWorkspaceQuotas UpdateWorkspaceQuotasResult VirtualMachineSizeListResult
ExternalFQDNResponse PrivateLinkResourceListResult EndpointAuthKeys EndpointAuthToken DeploymentLogs SkuResourceArmPaginatedResult DatastoreSecrets
PendingUploadResponseDto ManagedNetworkProvisionStatus NotebookResourceInfo`)

// own are definitions of the common types, and open ones, that shapes_more.txt writes by hand.
var own = strings.Fields("ManagedServiceIdentity Sku ErrorResponse")

type schema struct {
	Ref           string             `json:"$ref"`
	Type          string             `json:"type"`
	Enum          []any              `json:"enum"`
	Items         *schema            `json:"items"`
	Additional    json.RawMessage    `json:"additionalProperties"`
	Properties    map[string]*schema `json:"properties"`
	Required      []string           `json:"required"`
	AllOf         []*schema          `json:"allOf"`
	Discriminator string             `json:"discriminator"`
	Value         string             `json:"x-ms-discriminator-value"`
	ReadOnly      bool               `json:"readOnly"`
	Mutability    []string           `json:"x-ms-mutability"`
	Secret        bool               `json:"x-ms-secret"`
	MinLength     int                `json:"minLength"`
}

var (
	defs    = map[string]*schema{}
	emitted = map[string]bool{}
	queue   []string
)

func main() {
	for _, file := range []string{"mfe.json", "machineLearningServices.json"} {
		data, err := os.ReadFile(filepath.Join(os.Args[1], file))
		if err != nil {
			panic(err)
		}
		var doc struct{ Definitions map[string]*schema }
		if err := json.Unmarshal(data, &doc); err != nil {
			panic(err)
		}
		for name, def := range doc.Definitions {
			if _, double := defs[name]; double {
				fmt.Fprintln(os.Stderr, "defined twice:", name)
			}
			defs[name] = def
		}
	}
	fmt.Println("# Derived by shapegen.go from the OpenAPI of Microsoft.MachineLearningServices 2024-04-01 (Azure/azure-rest-api-specs, MIT).")
	fmt.Println("# Grammar: see shape.go. What newer api-versions add stands in shapes_more.txt.")
	if len(os.Args) > 2 {
		roots = answers
	}
	for _, root := range roots {
		want(root)
	}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		emit(name)
	}
}

func want(name string) {
	if !emitted[name] && !slices.Contains(own, name) {
		emitted[name] = true
		queue = append(queue, name)
	}
}

func refName(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// flatten collects the members of a definition and of what it stands on.
func flatten(s *schema, props map[string]*schema, required map[string]bool) {
	for _, base := range s.AllOf {
		if base.Ref != "" {
			base = defs[refName(base.Ref)]
		}
		if base != nil {
			flatten(base, props, required)
		}
	}
	for name, p := range s.Properties {
		props[name] = p
	}
	for _, name := range s.Required {
		required[name] = true
	}
}

func extends(s *schema, base string) bool {
	for _, b := range s.AllOf {
		if b.Ref != "" && (refName(b.Ref) == base || defs[refName(b.Ref)] != nil && extends(defs[refName(b.Ref)], base)) {
			return true
		}
	}
	return false
}

func emit(name string) {
	def := defs[name]
	if def == nil {
		fmt.Fprintln(os.Stderr, "not defined:", name)
		return
	}
	props, required := map[string]*schema{}, map[string]bool{}
	flatten(def, props, required)
	fmt.Println(name)
	var names []string
	for p := range props {
		names = append(names, p)
	}
	slices.Sort(names)
	for _, p := range names { // in order: the file must come out the same every time
		fmt.Printf("\t%s%s %s\n", p, flags(props[p], required[p]), typeOf(props[p], name+title(p)))
	}
	if def.Discriminator != "" {
		var variants []string
		for n, d := range defs {
			if d.Value != "" && extends(d, name) {
				variants = append(variants, d.Value+"="+n)
			}
		}
		slices.Sort(variants)
		for _, v := range variants {
			want(v[strings.IndexByte(v, '=')+1:])
		}
		fmt.Printf("\tby %s %s\n", def.Discriminator, strings.Join(variants, " "))
	}
}

func title(p string) string { return strings.ToUpper(p[:1]) + p[1:] }

func flags(s *schema, required bool) string {
	out := ""
	if required {
		out += "!"
	}
	switch {
	case s.ReadOnly || slices.Equal(s.Mutability, []string{"read"}):
		out += "~"
	case len(s.Mutability) > 0 && !slices.Contains(s.Mutability, "update"):
		out += "="
	}
	if s.Secret {
		out += "$"
	}
	return out
}

func typeOf(s *schema, inline string) string {
	switch {
	case s.Ref != "":
		target := defs[refName(s.Ref)]
		if target != nil && (len(target.Enum) > 0 || target.Type != "object" && target.Type != "") {
			return typeOf(target, refName(s.Ref))
		}
		if target != nil && len(target.Properties) == 0 && len(target.AllOf) == 0 && target.Discriminator == "" {
			return typeOf(target, refName(s.Ref))
		}
		want(refName(s.Ref))
		return refName(s.Ref)
	case len(s.Enum) > 0 && s.Type == "string":
		var words []string
		for _, e := range s.Enum {
			words = append(words, fmt.Sprint(e))
		}
		return strings.Join(words, "|") + "|"
	case s.Type == "array":
		if s.Items == nil {
			return "[]any"
		}
		return "[]" + typeOf(s.Items, inline)
	case len(s.Properties) > 0:
		defs[inline] = s
		want(inline)
		return inline
	case len(s.Additional) > 2 && s.Additional[0] == '{':
		var item schema
		if err := json.Unmarshal(s.Additional, &item); err != nil {
			panic(err)
		}
		return "{}" + typeOf(&item, inline)
	case s.Type == "object":
		return "object"
	case s.Type == "integer":
		return "int"
	case s.Type == "number":
		return "number"
	case s.Type == "boolean":
		return "bool"
	case s.Type == "string" && s.MinLength > 0:
		return "text"
	case s.Type == "string":
		return "string"
	}
	return "any"
}
