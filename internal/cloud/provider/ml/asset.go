package ml

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// asset is a kind of registered thing: containers with numbered versions.
type asset struct {
	path, shape string // of the container; a version has the shape <shape>VersionResource
	stateful    bool   // has a provisioningState
	async       bool   // is written by operations
	slotted     bool   // a move drops all of them at once (S05)
	complete    func(*provider.Call) error
	actions     map[string]provider.Action
}

func (b builder) assets() []provider.Type {
	publish := provider.Action{Do: b.publish}
	list := []asset{
		{path: "data", shape: "Data", slotted: true, complete: completeData, actions: map[string]provider.Action{"publish": publish}},
		{path: "models", shape: "Model", stateful: true, complete: completeModel, actions: map[string]provider.Action{"publish": publish, "package": {Do: notBuilt}}},
		{path: "environments", shape: "Environment", stateful: true, complete: completeEnvironment, actions: map[string]provider.Action{"publish": publish}},
		{path: "codes", shape: "Code", stateful: true,
			actions: map[string]provider.Action{"publish": publish, "startpendingupload": {Do: b.startUpload, Absent: true}}},
		{path: "components", shape: "Component", stateful: true, actions: map[string]provider.Action{"publish": publish}},
		{path: "featuresets", shape: "Featureset", stateful: true, async: true, actions: map[string]provider.Action{"backfill": {Do: notBuilt}}},
		{path: "featurestoreEntities", shape: "FeaturestoreEntity", stateful: true, async: true},
	}
	var types []provider.Type
	for _, a := range list {
		types = append(types, b.container(a), b.version(a))
	}
	return types
}

func (b builder) container(a asset) provider.Type {
	t := b.content(a.path, a.shape+"ContainerResource", provider.Type{Pattern: assetName, NoPatch: true, Stateful: a.stateful, AsyncPut: a.async,
		AsyncDelete: a.async, Slotted: a.slotted, Put: fixed(b.shapes.get(a.shape+"ContainerResource"), putContainer)})
	checked := t.Put
	t.Put = func(c *provider.Call) error {
		if c.Auto {
			return putContainer(c) // what is required of it comes from the version, which is written next
		}
		return checked(c)
	}
	return t
}

func (b builder) version(a asset) provider.Type {
	name := a.shape + "VersionResource"
	if b.shapes[name] == nil {
		name = a.shape + "VersionBaseResource"
	}
	put := func(c *provider.Call) error {
		if err := keepVersion(b.shapes.get(name), c); err != nil {
			return err
		}
		setDefault(c.Props(), "isAnonymous", false)
		setDefault(c.Props(), "isArchived", false)
		setDefault(c.Props(), "tags", map[string]any{})
		setDefault(c.Props(), "properties", map[string]any{})
		if a.complete != nil {
			if err := a.complete(c); err != nil {
				return err
			}
		}
		return countVersion(c)
	}
	t := b.content(a.path+"/versions", name, provider.Type{Pattern: assetName, NoPatch: true, AutoParent: true, Stateful: a.stateful, AsyncPut: a.async,
		AsyncDelete: a.async, Put: put, Gone: uncountVersion, Actions: a.actions})
	if a.path == "featuresets" {
		t.Reads = map[string]provider.Action{"features": {Do: emptyList}}
	}
	return t
}

// putContainer completes a container.
func putContainer(c *provider.Call) error {
	props := c.Props()
	setDefault(props, "isArchived", false)
	setDefault(props, "tags", map[string]any{})
	setDefault(props, "properties", map[string]any{})
	if c.Old == nil {
		props["latestVersion"], props["nextVersion"] = nil, "1"
	}
	return nil
}

// changeable are the members of a version that may still change; everything else is what makes the version.
var changeable = []string{"description", "tags", "properties", "isArchived", "isAnonymous", "stage", "provisioningState", "materializationSettings", "autoRebuild"}

// keepVersion refuses to change a version that exists.
func keepVersion(s *shape, c *provider.Call) error {
	if c.Old == nil {
		return nil
	}
	s = s.members["properties"].typ.shape
	props, old := c.Props(), c.OldProps()
	s = s.variant(props)
	var trouble []*errs.Error
	for name, before := range old {
		if m := s.members[name]; slices.Contains(changeable, name) || m != nil && m.readOnly || before == nil {
			continue
		}
		now, said := props[name]
		if !said || now == nil {
			props[name] = copyOf(before)
		} else if !same(now, before) {
			trouble = append(trouble, immutable(c, name))
		}
	}
	for name, now := range props {
		if m := s.members[name]; old[name] == nil && now != nil && !slices.Contains(changeable, name) && (m == nil || !m.readOnly) {
			trouble = append(trouble, immutable(c, name))
		}
	}
	return refused(trouble)
}

func immutable(c *provider.Call, name string) *errs.Error {
	return provider.Invalid("UserError", "the version '%s' of '%s' exists and its property 'properties.%s' cannot be changed: register a new version.",
		c.ID.Name(), c.ID.Parent().Name(), name).At("properties." + name)
}

// countVersion keeps latestVersion and nextVersion of the container in step with a new version, so that reading a container costs the same however
// many versions it has.
func countVersion(c *provider.Call) error {
	if c.Old != nil {
		return nil
	}
	container, doc, err := holdContainer(c)
	if err != nil {
		return err
	}
	tree.Set(doc.Public, "properties.latestVersion", c.ID.Name())
	if n, err := strconv.Atoi(c.ID.Name()); err == nil {
		next, _ := strconv.Atoi(tree.Text(doc.Public, "properties.nextVersion"))
		tree.Set(doc.Public, "properties.nextVersion", strconv.Itoa(max(next, n+1)))
	}
	if kind := tree.Text(c.Props(), "dataType"); kind != "" && tree.Text(doc.Public, "properties.dataType") == "" {
		tree.Set(doc.Public, "properties.dataType", kind)
	}
	return c.SaveOther(container, doc)
}

// holdContainer reads the container of a version and keeps others from changing it meanwhile.
func holdContainer(c *provider.Call) (tree.Found, tree.Document, error) {
	if _, err := c.Tx.Hold(c.Ctx, store.Exclusive, c.Found.Chain[parentDepth].ID); err != nil {
		return tree.Found{}, tree.Document{}, fmt.Errorf("hold the container of %s: %w", c.ID, err)
	}
	return c.Ancestor(parentDepth)
}

// uncountVersion looks for the version that is now the latest.
func uncountVersion(c *provider.Call) error {
	container, doc, err := holdContainer(c)
	if err != nil || !strings.EqualFold(tree.Text(doc.Public, "properties.latestVersion"), c.ID.Name()) {
		return err
	}
	var latest store.Node
	err = c.Children(container, "versions", func(found tree.Found) (bool, error) {
		if found.Node.ID != c.Found.Node.ID && (latest.ID == 0 || found.Node.Created.After(latest.Created)) {
			latest = found.Node
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	doc.Public["properties"].(map[string]any)["latestVersion"] = nil
	if latest.ID != 0 {
		tree.Set(doc.Public, "properties.latestVersion", latest.Name)
	}
	return c.SaveOther(container, doc)
}

// completeData holds the type of a data asset against its container's.
func completeData(c *provider.Call) error {
	_, container, err := c.Ancestor(parentDepth)
	if err != nil {
		return err
	}
	kind := tree.Text(c.Props(), "dataType")
	if want := tree.Text(container.Public, "properties.dataType"); want != "" && want != kind {
		return provider.Invalid("UserError", "the data asset '%s' is of type '%s' and cannot have a version of type '%s'.", c.ID.Parent().Name(), want, kind).
			At("properties.dataType")
	}
	return nil
}

func completeModel(c *provider.Call) error {
	if tree.Text(c.Props(), "modelUri") == "" {
		return provider.Invalid("ValidationError", "the property 'properties.modelUri' is required.").At("properties.modelUri")
	}
	setDefault(c.Props(), "modelType", "custom_model")
	setDefault(c.Props(), "flavors", map[string]any{})
	return nil
}

func completeEnvironment(c *provider.Call) error {
	props := c.Props()
	if tree.Text(props, "image") == "" && tree.Object(props, "build") == nil {
		return provider.Invalid("ValidationError", "one of the properties 'properties.image' and 'properties.build' is required.").At("properties.image")
	}
	setDefault(props, "osType", "Linux")
	props["environmentType"] = "UserCreated"
	if strings.HasPrefix(c.ID.Parent().Name(), "AzureML-") {
		props["environmentType"] = "Curated"
	}
	return nil
}

// startUpload names a place in the workspace's storage to put files in.
func (b builder) startUpload(c *provider.Call) (any, error) {
	body, err := judged(b.shapes.get("PendingUploadRequestDto"), c)
	if err != nil {
		return nil, err
	}
	account, err := workspaceAccount(c)
	if err != nil {
		return nil, err
	}
	setDefault(body, "pendingUploadId", provider.NewGUID())
	setDefault(body, "pendingUploadType", "TemporaryBlobReference")
	uri := fmt.Sprintf("https://%s.blob.core.windows.net/%s", account.Name(), provider.NewGUID())
	return object("pendingUploadId", body["pendingUploadId"], "pendingUploadType", body["pendingUploadType"], "blobReferenceForConsumption",
		object("blobUri", uri, "storageAccountArmId", account.String(), "credential", object("credentialType", "SAS", "sasUri", uri+"?sig="+provider.NewKey(24)))), nil
}

// publish would copy a version into a registry, which this cloud does not have: it checks the request and says so.
func (b builder) publish(c *provider.Call) (any, error) {
	if _, err := judged(b.shapes.get("DestinationAsset"), c); err != nil {
		return nil, err
	}
	return notBuilt(c)
}

func notBuilt(c *provider.Call) (any, error) {
	return nil, errs.New(errs.Unsupported, "NotImplemented", "This action on '%s' is not built in this cloud: it has no registries and runs no data jobs.", c.ID)
}

func emptyList(*provider.Call) (any, error) { return object("value", []any{}), nil }
