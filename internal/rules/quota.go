package rules

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// quotaRules are about machines at the target: nothing is removed for which there is no room (D2).
func quotaRules() []Rule {
	return []Rule{
		{ID: "ML045", Clauses: []string{"S09", "pain 28", "D2"}, Title: "The target has the vCPUs that computes and deployments need",
			Why: "Quota is per subscription, special families begin with none, and an online deployment needs a fifth more than its instances. Clusters count with the most nodes they may grow to, " +
				"deployments with the most instances. When source and target are one subscription, what is freed counts.",
			Remedy: "ask for quota in the target subscription (Azure Machine Learning studio, Quota), or make the compute smaller before the move", Judge: cores},
		{ID: "ML046", Clauses: []string{"S09", "pain 28", "D2"}, Title: "The target offers the machine sizes",
			Why: "A size may be closed to a subscription or a region.", Remedy: "change to an offered size before the move, or ask for access to it", Judge: sizes},
		{ID: "ML047", Clauses: []string{"pain 28", "D2"}, Title: "Computes in other regions are said, for their quota was not read",
			Why: "A compute may stand in another region than its workspace. Quota is per region, and only that of the workspace's own was read.", Remedy: "remove that compute before the move and make it again by hand, or check the quota of its region and take it out of the workspace", Judge: elsewhere},
	}
}

// demand is what one compute or deployment needs.
type demand struct {
	item  facts.Item
	size  string
	count int
	low   bool   // low-priority nodes have a quota of their own
	extra bool   // a fifth more, for upgrades of online deployments
	use   string // how the size must be usable
}

// demands are what the plan makes again on machines of the service, in the workspace's region.
func (c *Case) demands() []demand {
	var list []demand
	for _, item := range c.removed("computes") {
		inner := item.Doc.Object("properties.properties")
		size := arm.Document(inner).Text("vmSize")
		switch kind := kindOf(item); {
		case c.inOtherRegion(item) || size == "":
		case kind == aml.ComputeCluster:
			nodes, known := inner.Number("scaleSettings.maxNodeCount")
			if !known {
				nodes = 1
			}
			list = append(list, demand{item: item, size: size, count: int(nodes), low: strings.EqualFold(inner.Text("vmPriority"), "LowPriority"), use: kind})
		case kind == aml.ComputeInstance:
			list = append(list, demand{item: item, size: size, count: 1, use: kind})
		}
	}
	for _, item := range c.removed("onlineEndpoints/deployments") {
		if size := item.Doc.Text("properties.instanceType"); size != "" && strings.EqualFold(item.Doc.Text("properties.endpointComputeType"), "Managed") {
			list = append(list, demand{item: item, size: size, count: instancesOf(item.Doc), extra: true, use: "MIR"})
		}
	}
	return list
}

// instancesOf is the most instances that a deployment may have.
func instancesOf(doc arm.Document) int {
	most := 1.0
	for _, path := range []string{"sku.capacity", "properties.scaleSettings.maxInstances"} {
		if n, known := doc.Number(path); known {
			most = max(most, n)
		}
	}
	return int(most)
}

// cores is what the demand needs of machines with so many vCPUs.
func (d demand) cores(vCPUs float64) int {
	cores := float64(d.count) * vCPUs
	if d.extra {
		cores = math.Ceil(cores * 12 / 10)
	}
	return int(cores)
}

// inOtherRegion reports whether a compute of the service stands in another region than the workspace.
func (c *Case) inOtherRegion(item facts.Item) bool {
	at := region(item.Doc.Text("properties.computeLocation"))
	if at == "" {
		at = region(item.Doc.Text("location"))
	}
	return at != "" && at != region(c.Workspace.Doc.Text("location")) && aml.Managed(kindOf(item))
}

// sizeOf returns a machine size as the target offers it.
func (c *Case) sizeOf(name string) (arm.Document, bool) {
	for _, item := range c.Of(snapshot.Target, aml.VMSizes) {
		if strings.EqualFold(item.Doc.Text("name"), name) {
			return item.Doc, true
		}
	}
	return nil, false
}

// family is the name of a family as it is compared: sizes and usages spell it differently ("standardDSv2Family", "Standard DSv2 Family Cluster Dedicated vCPUs").
func family(name string) string {
	name = strings.NewReplacer(" ", "", "_", "").Replace(strings.ToLower(name))
	return strings.TrimSuffix(strings.TrimSuffix(name, "clusterdedicatedvcpus"), "vcpus")
}

// Names of usages that are not those of a family, as they are compared.
const (
	lowPriority = "totalclusterlowpriorityregional"
	dedicated   = "totalclusterdedicatedregional"
	clusters    = "clusters"
)

// room is how much of a quota there is at the target.
type room struct{ limit, used float64 }

// regional is the path of what the service tells of the workspace's region at the target.
func (c *Case) regional(what string) string {
	return c.Target.SubscriptionID().String() + "/providers/" + aml.Namespace + "/locations/" + region(c.Workspace.Doc.Text("location")) + "/" + what
}

// rooms reads usages and limits; negative limits mean none.
func (c *Case) rooms() map[string]room {
	rooms := map[string]room{}
	for _, item := range c.Of(snapshot.Target, aml.Usages) {
		limit, _ := item.Doc.Number("limit")
		used, _ := item.Doc.Number("currentValue")
		rooms[family(item.Doc.Text("name.value"))] = room{limit, used}
	}
	for _, item := range c.Of(snapshot.Target, aml.Quotas) {
		key := family(item.Doc.Text("name.value"))
		limit, known := item.Doc.Number("limit")
		r, is := rooms[key]
		if known && !strings.Contains(strings.ToLower(item.Doc.Text("id")), "/workspaces/") && (!is || limit >= 0 && (r.limit < 0 || limit < r.limit)) {
			rooms[key] = room{limit, r.used}
		}
	}
	return rooms
}

func cores(c *Case) []Finding {
	demands := c.demands()
	if !c.aimed() || len(demands) == 0 {
		return nil
	}
	rooms := c.rooms()
	if len(rooms) == 0 {
		return []Finding{found(Blocker, Person, c.Target.SubscriptionID(), "the quota of the target is not known, and %s must be made again", plural(len(demands), "compute or deployment")).
			seen("the snapshot holds no usages of the target").do("capture again with the right to read Microsoft.MachineLearningServices/locations/usages")}
	}
	need, of := map[string]int{}, map[string][]string{}
	add := func(key string, n int, d demand) {
		need[key] += n
		of[key] = append(of[key], fmt.Sprintf("%s %d", d.item.Name(), n))
	}
	for _, d := range demands {
		size, offered := c.sizeOf(d.size)
		vCPUs, known := size.Number("vCPUs")
		if !offered || !known {
			continue // sizes speaks of it
		}
		n := d.cores(vCPUs)
		if d.low {
			add(lowPriority, n, d)
		} else {
			add(family(size.Text("family")), n, d)
			add(dedicated, n, d)
		}
		if !d.extra {
			add(clusters, 1, d)
		}
	}
	var list []Finding
	for _, key := range slices.Sorted(maps.Keys(need)) {
		if f, short := c.short(key, need[key], rooms); short {
			list = append(list, f.seen("%s", names(of[key])))
		}
	}
	return list
}

// short reports whether the target lacks room for so much of a quota.
func (c *Case) short(key string, need int, rooms map[string]room) (Finding, bool) {
	r, known := rooms[key]
	switch total := key == dedicated || key == clusters; {
	case !known && total:
		return Finding{}, false // not every region tells totals
	case !known:
		return found(Blocker, Person, c.Target.SubscriptionID(), "the target has no quota for the family %s, of which %d vCPUs are needed", key, need), true
	case r.limit < 0:
		return Finding{}, false
	}
	free := r.limit - r.used
	if !c.crosses() {
		free += float64(need) // it is freed before
	}
	if float64(need) <= free {
		return Finding{}, false
	}
	unit := "vCPUs"
	if key == clusters {
		unit = "computes"
	}
	return found(Blocker, Person, c.Target.SubscriptionID(), "the target has %.0f %s of %s free (%.0f of %.0f are used), and %d are needed", max(free, 0), unit, key, r.used, r.limit, need), true
}

func sizes(c *Case) []Finding {
	if _, hidden := c.gapAt(snapshot.Target, c.regional("vmSizes")); hidden || !c.aimed() {
		return nil // a gap is a finding of its own
	}
	var list []Finding
	for _, d := range c.demands() {
		size, offered := c.sizeOf(d.size)
		uses := size.Texts("supportedComputeTypes")
		lowCapable, says := size.At("lowPriorityCapable")
		switch {
		case !offered:
			list = append(list, found(Blocker, Person, d.item.ID, "the target does not offer the size %s, which %s needs", d.size, d.item.Name()))
		case len(uses) > 0 && !slices.ContainsFunc(uses, func(u string) bool { return strings.EqualFold(u, d.use) }):
			list = append(list, found(Blocker, Person, d.item.ID, "the target does not offer the size %s for %s, which %s needs", d.size, d.use, d.item.Name()).seen("supportedComputeTypes are %s", names(uses)))
		case d.low && says && lowCapable == false:
			list = append(list, found(Blocker, Person, d.item.ID, "the target does not offer the size %s with low priority, which %s needs", d.size, d.item.Name()))
		}
	}
	return list
}

func elsewhere(c *Case) []Finding {
	if !c.aimed() {
		return nil
	}
	var list []Finding
	for _, item := range c.removed("computes") {
		if c.inOtherRegion(item) {
			list = append(list, found(Blocker, Person, item.ID, "the compute %s stands in %s, and the quota there is not in the snapshot", item.Name(), region(item.Doc.Text("properties.computeLocation"))))
		}
	}
	return list
}
