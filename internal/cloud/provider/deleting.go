package provider

import (
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// Deleting is the flag of a resource group or a resource from the request that deletes it until its deletion has ended or was given up. The flag and not the document says so:
// every type has it, and it is read along with whatever stands above a resource.
const Deleting = "Deleting"

// NotDeleting refuses to write what is being deleted or stands below such a resource: the write would be acknowledged and lost when the deletion ends. Services answer so (arm-move 2).
// Groups have their own words, and are asked where they are held.
// What is taken out of such a resource (an address, a record, a project of a hub) is still written: else nothing that hangs on it could go before it.
func NotDeleting(chain []store.Node) error {
	for depth, node := range chain {
		if node.Flag == Deleting && node.Type != arm.ResourceGroups {
			id := tree.Found{Chain: chain[:depth+1], Node: node}.ID()
			return errs.New(errs.Conflict, "AnotherOperationInProgress",
				"Another operation on this or dependent resource is in progress: the deletion of '%s' has not ended. Wait for it and try again.", id).At(id.String())
		}
	}
	return nil
}
