package network

import (
	"net/netip"
	"sort"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// addressesAt is where a subnet remembers, in its private part, which node holds which address. A holder that is gone holds nothing.
const addressesAt = "addresses"

// reserved is how many addresses at the start of a subnet Azure keeps for itself.
const reserved = 4

// ref writes a node's id into a private part.
func ref(id store.ID) string { return strconv.FormatInt(int64(id), 10) }

// deref reads a node's id from a private part; 0 names nothing.
func deref(value any) store.ID {
	text, _ := value.(string)
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return store.ID(id)
}

// holdNode locks a node until the transaction ends and returns it as it is now.
func holdNode(c *provider.Call, found tree.Found) (tree.Found, tree.Document, error) {
	held, err := c.Tx.Hold(c.Ctx, store.Exclusive, found.Node.ID)
	if err != nil {
		return found, tree.Document{}, err
	}
	found.Node = held[0]
	found.Chain = append(append([]store.Node{}, found.Chain[:len(found.Chain)-1]...), held[0])
	doc, err := c.Tree.Decode(c.Ctx, c.Tx, found)
	return found, doc, err
}

// holders returns the addresses of a subnet that somebody holds.
func holders(c *provider.Call, doc tree.Document) (map[string]any, error) {
	kept := map[string]any{}
	addresses, _ := doc.Private[addressesAt].(map[string]any)
	for address, holder := range addresses {
		_, err := c.Tree.IDOf(c.Ctx, c.Read, deref(holder))
		if errs.Is(err, errs.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		kept[address] = holder
	}
	return kept, nil
}

// allocate gives a node addresses of a subnet: those it wants first, then the lowest free ones.
func allocate(c *provider.Call, subnet arm.ID, holder store.ID, wanted []string, count int) ([]string, error) {
	found, err := c.Tree.Resolve(c.Ctx, c.Tx, subnet)
	if errs.Is(err, errs.NotFound) {
		return nil, notFound(c, subnet.String())
	}
	if err != nil {
		return nil, err
	}
	found, doc, err := holdNode(c, found)
	if err != nil {
		return nil, err
	}
	if err := provider.NotDeleting(found.Chain); err != nil {
		return nil, err
	}
	kept, err := holders(c, doc)
	if err != nil {
		return nil, err
	}
	space, err := prefixes(c, subnetPrefixes(tree.Object(doc.Public, "properties")))
	if err != nil {
		return nil, err
	}
	got, err := pick(c, subnet, space, kept, wanted, count)
	if err != nil {
		return nil, err
	}
	for _, address := range got {
		kept[address] = ref(holder)
	}
	doc.Private[addressesAt] = kept
	return got, c.SaveOther(found, doc)
}

// pick chooses addresses.
func pick(c *provider.Call, subnet arm.ID, space []netip.Prefix, kept map[string]any, wanted []string, count int) ([]string, error) {
	var got []string
	chosen := map[string]bool{}
	for _, text := range wanted {
		address, err := netip.ParseAddr(text)
		if err != nil || !inside(netip.PrefixFrom(address, address.BitLen()), space) {
			return nil, provider.Invalid("PrivateIPAddressNotInSubnet", "Private static IP address %s does not belong to the range of subnet prefix %s.", text, subnet).At(text)
		}
		if kept[address.String()] != nil || chosen[address.String()] {
			return nil, provider.Conflict("PrivateIPAddressInUse", "IP address %s is already allocated in subnet %s.", text, subnet).At(text)
		}
		chosen[address.String()] = true
		got = append(got, address.String())
	}
	for _, prefix := range space {
		address := prefix.Addr()
		for n := 0; len(got) < count && prefix.Contains(address.Next()); n, address = n+1, address.Next() {
			if text := address.String(); n >= reserved && kept[text] == nil && !chosen[text] {
				got = append(got, text)
			}
		}
	}
	if len(got) < count {
		return nil, provider.Conflict("SubnetIsFull", "Subnet %s does not have enough capacity for %d IP addresses.", subnet, count).At(subnet.String())
	}
	return got, nil
}

// release takes the addresses of a holder back. A subnet that is gone has none.
func release(c *provider.Call, subnet arm.ID, holder store.ID) error {
	found, err := c.Tree.Resolve(c.Ctx, c.Tx, subnet)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	found, doc, err := holdNode(c, found)
	if err != nil {
		return err
	}
	addresses, _ := doc.Private[addressesAt].(map[string]any)
	for address, by := range addresses {
		if deref(by) == holder {
			delete(addresses, address)
		}
	}
	return c.SaveOther(found, doc)
}

// users returns the ids of the nodes that hold addresses of a subnet, sorted.
func users(c *provider.Call, found tree.Found) ([]string, error) {
	doc, err := c.Tree.Decode(c.Ctx, c.Read, found)
	if err != nil {
		return nil, err
	}
	addresses, _ := doc.Private[addressesAt].(map[string]any)
	seen := map[string]bool{}
	var ids []string
	for _, holder := range addresses {
		id, err := c.Tree.IDOf(c.Ctx, c.Read, deref(holder))
		if errs.Is(err, errs.NotFound) || err == nil && seen[id.String()] {
			continue
		}
		if err != nil {
			return nil, err
		}
		seen[id.String()] = true
		ids = append(ids, id.String())
	}
	sort.Strings(ids)
	return ids, nil
}

// subnetFree refuses that a subnet goes in which somebody holds an address.
func subnetFree(c *provider.Call, found tree.Found) error {
	ids, err := users(c, found)
	if err != nil || len(ids) == 0 {
		return err
	}
	return provider.Invalid("InUseSubnetCannotBeDeleted", "Subnet %s is in use by %s and cannot be deleted. In order to delete the subnet, delete all the resources within the subnet. "+
		"See aka.ms/deletesubnet.", found.Node.Name, strings.Join(ids, ", ")).At(found.ID().String())
}

// showSubnet adds the private endpoints that hold an address of a subnet.
func showSubnet(c *provider.Call, found tree.Found, object map[string]any) error {
	ids, err := users(c, found)
	if err != nil || len(ids) == 0 {
		return err
	}
	list := []any{}
	for _, id := range ids {
		list = append(list, map[string]any{"id": id})
	}
	tree.Set(object, "properties.privateEndpoints", list)
	return nil
}
