package report

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/verify"
)

// Kit is what helps to repair what names the workspace elsewhere (pain 22), as files by name.
func Kit(d *Data) map[string][]byte {
	ids, err := json.MarshalIndent(d.IDs, "", "  ")
	if err != nil {
		ids = []byte("[]") // texts can always be written
	}
	removed, imported := Terraform(d)
	return map[string][]byte{"ids.json": append(ids, '\n'), "1-removed.tf": []byte(removed), "2-import.tf": []byte(imported), "replace.sed": []byte(Sed(d))}
}

// terraformTypes are the resource types of the azurerm provider by ARM's types.
var terraformTypes = map[string]string{
	"microsoft.machinelearningservices/workspaces":               "azurerm_machine_learning_workspace",
	"microsoft.storage/storageaccounts":                          "azurerm_storage_account",
	"microsoft.keyvault/vaults":                                  "azurerm_key_vault",
	"microsoft.insights/components":                              "azurerm_application_insights",
	"microsoft.containerregistry/registries":                     "azurerm_container_registry",
	"microsoft.authorization/roleassignments":                    "azurerm_role_assignment",
	"microsoft.authorization/locks":                              "azurerm_management_lock",
	"microsoft.insights/diagnosticsettings":                      "azurerm_monitor_diagnostic_setting",
	"microsoft.machinelearningservices/workspaces/outboundrules": "azurerm_machine_learning_workspace_network_outbound_rule_private_endpoint",
}

// terraformKinds are those of computes and datastores, by their type in the workspace. What is not named here, the provider does not know.
var terraformKinds = map[string]string{
	"AmlCompute": "azurerm_machine_learning_compute_cluster", "ComputeInstance": "azurerm_machine_learning_compute_instance", "AKS": "azurerm_machine_learning_inference_cluster",
	"SynapseSpark": "azurerm_machine_learning_synapse_spark",
	"AzureBlob":    "azurerm_machine_learning_datastore_blobstorage", "AzureFile": "azurerm_machine_learning_datastore_fileshare", "AzureDataLakeGen2": "azurerm_machine_learning_datastore_datalake_gen2",
}

// Terraform writes blocks that take the old ids out of a state without destroying anything, and blocks that take the new ones in. They are applied one after the other: one address cannot be
// removed and imported in one run. Names of resources are placeholders: only the person knows how the configuration calls them.
func Terraform(d *Data) (removed, imported string) {
	var out, in strings.Builder
	out.WriteString(`# Terraform 1.7 or newer, first step: the state forgets the old ids, and nothing is destroyed. Put the name that your configuration has for each resource in the place of the last word of its
# address, take the resource blocks themselves out of the configuration for this step, and terraform apply. Then delete this file.
`)
	in.WriteString(`# Second step: the resource blocks are back in the configuration, with the new subscription and group, and the state learns the new ids. terraform plan must show imports and nothing to destroy.
# The provider azurerm must look at the new subscription. It does not know endpoints, deployments and data assets: for those managed with azapi_resource, ids.json has the new ids.
# A private endpoint stays what it is; give it the new id of the resource that it leads to (private_connection_resource_id).
`)
	used, missing := map[string]bool{}, d.missing()
	for _, id := range d.IDs {
		kind := terraformType(id)
		if kind == "" {
			continue
		}
		address := kind + "." + label(short(id.Was), used)
		fmt.Fprintf(&out, "\n# was %s\nremoved {\n  from = %s\n\n  lifecycle {\n    destroy = false\n  }\n}\n", oneLine(id.Was), address)
		if missing[strings.ToLower(id.Is)] {
			fmt.Fprintf(&in, "\n# not there: %s\n", oneLine(id.Is))
			continue
		}
		fmt.Fprintf(&in, "\nimport {\n  to = %s\n  id = %s\n}\n", address, quoted(terraformID(id.Is)))
	}
	return out.String(), in.String()
}

// missing are the ids, in lower case, of what should be there and is not.
func (d *Data) missing() map[string]bool {
	ids := map[string]bool{}
	if d.Verify == nil {
		return ids
	}
	for _, difference := range d.Verify.Differences {
		if difference.What == verify.Missing {
			ids[strings.ToLower(difference.After)] = true
		}
	}
	return ids
}

// terraformType is the type of a resource; empty for what Terraform does not know, or what has no id of its own there.
func terraformType(id Renamed) string {
	parsed, err := arm.Parse(id.Was)
	if err != nil {
		return ""
	}
	switch key := parsed.Type().Key(); key {
	case "microsoft.machinelearningservices/workspaces/computes", "microsoft.machinelearningservices/workspaces/datastores":
		return terraformKinds[id.Kind]
	default:
		return terraformTypes[key]
	}
}

// terraformID is an id as the provider writes it for an import: it has forms of its own for some types, and minds the case of their words.
func terraformID(id string) string {
	parsed, err := arm.Parse(id)
	if err != nil {
		return id
	}
	switch parsed.Type().Key() {
	case "microsoft.insights/diagnosticsettings":
		return parsed.Scope().String() + "|" + parsed.Name()
	case "microsoft.machinelearningservices/workspaces/datastores":
		return parsed.Parent().Child(arm.Hop{Type: "dataStores", Name: parsed.Name()}).String()
	}
	return parsed.String()
}

// oneLine keeps a text inside its comment.
func oneLine(text string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(text) }

var notLabel = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// label makes a name that Terraform accepts, each once.
func label(name string, used map[string]bool) string {
	text := notLabel.ReplaceAllString(name, "_")
	if text == "" || text[0] >= '0' && text[0] <= '9' || text[0] == '-' {
		text = "r_" + text
	}
	for base, n := text, 2; used[text]; n++ {
		text = fmt.Sprintf("%s_%d", base, n)
	}
	used[text] = true
	return text
}

// quoted writes a text of HCL.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "${", "$${", "%{", "%%{", "\n", `\n`, "\r", `\r`).Replace(text) + `"`
}

// Sed writes a script that puts the new ids and addresses in the place of the old ones: sed -i -f replace.sed FILE. Longer ones come first, so that none is half replaced.
func Sed(d *Data) string {
	var b strings.Builder
	b.WriteString("# sed -i -E -f replace.sed FILE...   (ids of Azure are compared without regard to case: I needs GNU sed)\n")
	pairs := d.replacements()
	for _, p := range pairs {
		fmt.Fprintf(&b, "s#%s([^A-Za-z0-9_.-]|$)#%s\\1#gI\n", sedPattern(p.Was), sedText(p.Is))
	}
	return b.String()
}

// replacements are what scripts may hold: ids of what moved at the top level, and addresses. What hangs below follows.
func (d *Data) replacements() []Renamed {
	var pairs []Renamed
	for _, id := range d.IDs {
		if parsed, err := arm.Parse(id.Was); err == nil && parsed.TopLevel() {
			pairs = append(pairs, id, Renamed{Was: uri(id.Was), Is: uri(id.Is)})
		}
	}
	if d.Verify != nil {
		for _, a := range d.Verify.Addresses {
			if strings.HasPrefix(a.Was, "http") && a.Is != "" {
				pairs = append(pairs, Renamed{Was: a.Was, Is: a.Is})
			}
		}
	}
	var kept []Renamed
	for _, p := range pairs {
		if p.Was != "" && p.Was != p.Is && !strings.ContainsAny(p.Was+p.Is, "\r\n") {
			kept = append(kept, p)
		}
	}
	slices.SortStableFunc(kept, func(a, b Renamed) int { return len(b.Was) - len(a.Was) })
	return kept
}

// uri is the short form in which azureml:// addresses name a workspace; empty for others.
func uri(id string) string {
	parsed, err := arm.Parse(id)
	if err != nil || !strings.HasSuffix(parsed.Type().Key(), "machinelearningservices/workspaces") {
		return ""
	}
	return "azureml://subscriptions/" + parsed.Subscription() + "/resourcegroups/" + parsed.Group() + "/workspaces/" + parsed.Name()
}

func sedPattern(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune(`\.[]*^$+?(){}|#`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func sedText(text string) string {
	return strings.NewReplacer(`\`, `\\`, `&`, `\&`, `#`, `\#`).Replace(text)
}
