package ml

import (
	"fmt"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// workspaceActions are the verbs of a workspace.
func (b builder) workspaceActions() map[string]provider.Action {
	return map[string]provider.Action{
		"listkeys":                {Do: listWorkspaceKeys},
		"resynckeys":              {Do: resyncKeys, Async: true, Writes: true},
		"diagnose":                {Do: b.diagnose, Async: true, Writes: true},
		"listnotebookaccesstoken": {Do: notebookToken},
		"listnotebookkeys":        {Do: notebookKeys},
		"liststorageaccountkeys":  {Do: listStorageKeys},
		"preparenotebook":         {Do: prepareNotebook, Async: true, Writes: true},
		"provisionmanagednetwork": {Do: b.provisionNetwork, Async: true, Writes: true},
	}
}

// workspaceReads are the paths below a workspace that are only read.
func workspaceReads() map[string]provider.Action {
	return map[string]provider.Action{
		"features":                             {Do: features},
		"privatelinkresources":                 {Do: privateLinkResources},
		"outboundnetworkdependenciesendpoints": {Do: outboundDependencies},
	}
}

// listWorkspaceKeys answers with the keys of the associated resources as they are now; userStorageResourceId follows the account (S42).
func listWorkspaceKeys(c *provider.Call) (any, error) {
	props := c.Props()
	account := tree.Text(props, "storageAccount")
	return object("userStorageKey", storageKey(c, account), "userStorageResourceId", account, "userStorageArmId", account,
		"appInsightsInstrumentationKey", instrumentationKey(c, tree.Text(props, "applicationInsights")),
		"containerRegistryCredentials", registryCredentials(c, tree.Text(props, "containerRegistry")),
		"notebookAccessKeys", keptKeys(c, "notebookKeys", "primaryAccessKey", "secondaryAccessKey")), nil
}

func listStorageKeys(c *provider.Call) (any, error) {
	return object("userStorageKey", storageKey(c, tree.Text(c.Props(), "storageAccount"))), nil
}

func notebookKeys(c *provider.Call) (any, error) {
	return keptKeys(c, "notebookKeys", "primaryAccessKey", "secondaryAccessKey"), nil
}

func notebookToken(c *provider.Call) (any, error) {
	props := c.Props()
	return object("accessToken", provider.NewKey(48), "notebookResourceId", tree.Text(props, "notebookInfo.resourceId"), "hostName",
		tree.Text(props, "notebookInfo.fqdn"), "publicDns", tree.Text(props, "notebookInfo.fqdn"), "tokenType", "Bearer", "expiresIn", 28800,
		"refreshToken", provider.NewKey(48), "scope", "aznb_identity"), nil
}

// resyncKeys makes the workspace read the keys of its resources again. This cloud reads them every time, so it only takes time.
func resyncKeys(*provider.Call) (any, error) { return nil, nil }

// prepareNotebook makes a workspace's notebook resource, which is there from the beginning.
func prepareNotebook(c *provider.Call) (any, error) {
	return tree.Object(c.Props(), "notebookInfo"), nil
}

// diagnose looks at what the workspace stands on, as it is now.
func (b builder) diagnose(c *provider.Call) (any, error) {
	if _, err := judged(b.shapes.get("DiagnoseWorkspaceParameters"), c); err != nil {
		return nil, err
	}
	results := map[string]any{"userDefinedRouteResults": []any{}, "networkSecurityRuleResults": []any{}, "dnsResolutionResults": []any{},
		"otherResults": []any{}}
	for _, d := range aml.Dependencies() {
		name := strings.TrimPrefix(d.Property, "properties.")
		found, err := diagnoseDependency(c, name, d)
		if err != nil {
			return nil, err
		}
		results[name+"Results"] = found
	}
	locks, err := diagnoseLocks(c)
	if err != nil {
		return nil, err
	}
	results["resourceLockResults"] = locks
	return object("value", results), nil
}

func diagnoseDependency(c *provider.Call, name string, d aml.Dependency) ([]any, error) {
	id := tree.Text(c.Doc.Public, d.Property)
	if id == "" {
		if !d.Fixed {
			return []any{}, nil
		}
		return []any{diagnosis("Error", "ResourceMissing", "The workspace has no %s.", name)}, nil
	}
	if _, err := c.Types.Find(d.Type); err != nil {
		return []any{}, nil
	}
	_, _, err := lookup(c, id, d.Type)
	switch {
	case err == nil:
		return []any{}, nil
	case errs.Is(err, errs.NotFound), errs.Is(err, errs.Invalid):
		return []any{diagnosis("Error", "ResourceNotFound", "The %s '%s' could not be found.", name, id)}, nil
	}
	return nil, err
}

// diagnoseLocks lists locks on the workspace, its group and its subscription.
func diagnoseLocks(c *provider.Call) ([]any, error) {
	results := []any{}
	for _, scope := range []string{c.ID.String(), c.ID.GroupID().String(), c.ID.SubscriptionID().String()} {
		locks, err := c.Read.Extensions(c.Ctx, store.ExtensionRange{Scope: scope, Type: "Microsoft.Authorization/locks", Limit: 100})
		if err != nil {
			return nil, err
		}
		for _, lock := range locks {
			results = append(results, diagnosis("Warning", "ResourceLockFound", "The lock '%s' at '%s' may keep the service from changing resources.", lock.Name, lock.Scope))
		}
	}
	return results, nil
}

func diagnosis(level, code, format string, args ...any) map[string]any {
	return object("code", code, "level", level, "message", fmt.Sprintf(format, args...))
}

func features(*provider.Call) (any, error) {
	return object("value", []any{
		object("id", "automatedml_createeditexperimentsui", "displayName", "Create edit experiments UI",
			"description", "Create, edit or delete AutoML experiments in the SDK"),
		object("id", "workspace_upgradeworkspaceui", "displayName", "Upgrade workspace UI",
			"description", "Upgrade workspace from Basic to enterprise from the UI"),
	}), nil
}

func outboundDependencies(c *provider.Call) (any, error) {
	region := provider.Region(c.Location())
	categories := []struct {
		name    string
		domains []string
	}{
		{"Azure Active Directory", []string{"login.microsoftonline.com"}},
		{"Azure portal", []string{"management.azure.com"}},
		{"Azure Machine Learning", []string{region + ".api.azureml.ms", "ml.azure.com", region + ".notebooks.azure.net"}},
	}
	if account := tree.Text(c.Props(), "storageAccount"); account != "" {
		name := account[strings.LastIndexByte(account, '/')+1:]
		categories = append(categories, struct {
			name    string
			domains []string
		}{"Storage", []string{name + ".blob.core.windows.net", name + ".file.core.windows.net"}})
	}
	var value []any
	for _, category := range categories {
		var endpoints []any
		for _, domain := range category.domains {
			endpoints = append(endpoints, object("domainName", domain, "endpointDetails", []any{object("port", 443)}))
		}
		value = append(value, object("properties", object("category", category.name, "endpoints", endpoints)))
	}
	return object("value", value), nil
}
