package ml

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// size is a size of virtual machine.
type size struct {
	name   string
	family string // as vmSizes names it: standardDSv2Family
	cores  int
	gpus   int
	memory float64
}

// sizes are the sizes that vmSizes lists. Others are accepted too if their name says what they are.
var sizes = []size{
	{"Standard_DS1_v2", "standardDSv2Family", 1, 0, 3.5}, {"Standard_DS2_v2", "standardDSv2Family", 2, 0, 7},
	{"Standard_DS3_v2", "standardDSv2Family", 4, 0, 14}, {"Standard_DS4_v2", "standardDSv2Family", 8, 0, 28},
	{"Standard_DS5_v2", "standardDSv2Family", 16, 0, 56}, {"Standard_DS11_v2", "standardDSv2Family", 2, 0, 14},
	{"Standard_DS12_v2", "standardDSv2Family", 4, 0, 28}, {"Standard_DS13_v2", "standardDSv2Family", 8, 0, 56},
	{"Standard_DS14_v2", "standardDSv2Family", 16, 0, 112}, {"Standard_DS15_v2", "standardDSv2Family", 20, 0, 140},
	{"Standard_D1_v2", "standardDv2Family", 1, 0, 3.5}, {"Standard_D2_v2", "standardDv2Family", 2, 0, 7},
	{"Standard_D3_v2", "standardDv2Family", 4, 0, 14}, {"Standard_D4_v2", "standardDv2Family", 8, 0, 28},
	{"Standard_D11_v2", "standardDv2Family", 2, 0, 14}, {"Standard_D12_v2", "standardDv2Family", 4, 0, 28},
	{"Standard_D13_v2", "standardDv2Family", 8, 0, 56}, {"Standard_D14_v2", "standardDv2Family", 16, 0, 112},
	{"Standard_D2_v3", "standardDv3Family", 2, 0, 8}, {"Standard_D4_v3", "standardDv3Family", 4, 0, 16},
	{"Standard_D8_v3", "standardDv3Family", 8, 0, 32}, {"Standard_D16_v3", "standardDv3Family", 16, 0, 64},
	{"Standard_D2s_v3", "standardDSv3Family", 2, 0, 8}, {"Standard_D4s_v3", "standardDSv3Family", 4, 0, 16},
	{"Standard_D8s_v3", "standardDSv3Family", 8, 0, 32}, {"Standard_D16s_v3", "standardDSv3Family", 16, 0, 64},
	{"Standard_D32s_v3", "standardDSv3Family", 32, 0, 128}, {"Standard_D2ds_v4", "standardDDSv4Family", 2, 0, 8},
	{"Standard_D4ds_v4", "standardDDSv4Family", 4, 0, 16}, {"Standard_D8ds_v4", "standardDDSv4Family", 8, 0, 32},
	{"Standard_D2as_v4", "standardDASv4Family", 2, 0, 8}, {"Standard_D4as_v4", "standardDASv4Family", 4, 0, 16},
	{"Standard_D8as_v4", "standardDASv4Family", 8, 0, 32}, {"Standard_E2s_v3", "standardESv3Family", 2, 0, 16},
	{"Standard_E4s_v3", "standardESv3Family", 4, 0, 32}, {"Standard_E8s_v3", "standardESv3Family", 8, 0, 64},
	{"Standard_E4ds_v4", "standardEDSv4Family", 4, 0, 32}, {"Standard_E8ds_v4", "standardEDSv4Family", 8, 0, 64},
	{"Standard_F2s_v2", "standardFSv2Family", 2, 0, 4}, {"Standard_F4s_v2", "standardFSv2Family", 4, 0, 8},
	{"Standard_F8s_v2", "standardFSv2Family", 8, 0, 16}, {"Standard_F16s_v2", "standardFSv2Family", 16, 0, 32},
	{"Standard_NC6", "standardNCFamily", 6, 1, 56}, {"Standard_NC12", "standardNCFamily", 12, 2, 112},
	{"Standard_NC6s_v3", "standardNCSv3Family", 6, 1, 112}, {"Standard_NC12s_v3", "standardNCSv3Family", 12, 2, 224},
	{"Standard_NC24s_v3", "standardNCSv3Family", 24, 4, 448}, {"Standard_NC4as_T4_v3", "Standard NCASv3_T4 Family", 4, 1, 28},
	{"Standard_NC8as_T4_v3", "Standard NCASv3_T4 Family", 8, 1, 56}, {"Standard_NC16as_T4_v3", "Standard NCASv3_T4 Family", 16, 1, 110},
	{"Standard_NC24ads_A100_v4", "StandardNCADSA100v4Family", 24, 1, 220}, {"Standard_NC48ads_A100_v4", "StandardNCADSA100v4Family", 48, 2, 440},
	{"Standard_ND40rs_v2", "standardNDSv2Family", 40, 8, 672}, {"Standard_ND96asr_v4", "standardNDASv4_A100Family", 96, 8, 900},
	{"Standard_NC40ads_H100_v5", "StandardNCadsH100v5Family", 40, 1, 320}, {"Standard_NV36ads_A10_v5", "StandardNVADSA10v5Family", 36, 1, 440},
}

// sizeName reads a size that is not in the table: Standard_D64ds_v5 has 64 cores and is of the family DDSv5.
var sizeName = regexp.MustCompile(`(?i)^Standard_([A-Z]+?)(\d+)(?:-\d+)?([a-z]*)((?:_[A-Z]+\d+)?)_?(v\d+)?$`)

// findSize returns the size of a name, whatever its case.
func findSize(name string) (size, bool) {
	for _, s := range sizes {
		if strings.EqualFold(s.name, name) {
			return s, true
		}
	}
	parts := sizeName.FindStringSubmatch(name)
	if parts == nil {
		return size{}, false
	}
	cores, err := strconv.Atoi(parts[2])
	if err != nil || cores < 1 || cores > 416 {
		return size{}, false
	}
	letters := strings.ToUpper(parts[1])
	s := size{name: name, cores: cores, memory: float64(4 * cores)}
	s.family = "standard" + letters + strings.ToUpper(parts[3]+strings.TrimPrefix(parts[4], "_")) + strings.ToLower(parts[5]) + "Family"
	if strings.HasPrefix(letters, "N") {
		s.gpus = max(1, cores/24)
	}
	return s, true
}

// checkSize refuses a document without a known size in a member; path names it to the client.
func checkSize(object map[string]any, member, path string) error {
	name := tree.Text(object, member)
	if name == "" {
		return provider.Invalid("ValidationError", "the property '%s' is required.", path).At(path)
	}
	if _, ok := findSize(name); !ok {
		return provider.Invalid("InvalidVmSize", "the virtual machine size '%s' of the property '%s' is not supported.", name, path).At(path)
	}
	return nil
}

// Limits of vCPUs in a new subscription.
const (
	familyLimit      = 100
	gpuFamilyLimit   = 0
	lowPriorityLimit = 100
	computeLimit     = 500
)

// lowPriority is the family of all low-priority nodes together: they have one quota, not one per family.
const lowPriority = "lowPriorityCores"

// defaultLimit is the quota of a family that nobody changed.
func defaultLimit(family string) int {
	if family == lowPriority {
		return lowPriorityLimit
	}
	if strings.HasPrefix(strings.ToLower(strings.TrimPrefix(strings.ToLower(family), "standard")), "n") || strings.HasPrefix(family, "Standard N") {
		return gpuFamilyLimit
	}
	return familyLimit
}

// familyLabel is how quotas and usages spell a family: Standard DSv2 Family Cluster Dedicated vCPUs.
func familyLabel(family string) string {
	if family == lowPriority {
		return "Total Cluster LowPriority Regional vCPUs"
	}
	core := strings.TrimSpace(strings.TrimSuffix(family, "Family"))
	for _, prefix := range []string{"Standard ", "standard", "Standard"} {
		if rest, ok := strings.CutPrefix(core, prefix); ok {
			core = strings.TrimSpace(rest)
			break
		}
	}
	return "Standard " + core + " Family Cluster Dedicated vCPUs"
}

// familyKey is a label as it stands in ids.
func familyKey(family string) string { return strings.ReplaceAll(familyLabel(family), " ", "_") }

// families returns the families of the table in its order, low priority last.
func families() []string {
	var list []string
	seen := map[string]bool{}
	for _, s := range sizes {
		if !seen[s.family] {
			seen[s.family] = true
			list = append(list, s.family)
		}
	}
	return append(list, lowPriority)
}

// vmSizes answers with the sizes that computes may have here.
func vmSizes(*provider.Call) (any, error) {
	var value []any
	for _, s := range sizes {
		value = append(value, object("name", s.name, "family", s.family, "vCPUs", s.cores, "gpus", s.gpus, "osVhdSizeMB", 1047552,
			"maxResourceVolumeMB", s.cores*7168, "memoryGB", s.memory, "lowPriorityCapable", true, "premiumIO", true,
			"supportedComputeTypes", []any{"AmlCompute", "ComputeInstance", "MIR"}))
	}
	return object("value", value), nil
}
