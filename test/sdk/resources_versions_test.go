package sdk

import (
	"context"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	v1 "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
	v3 "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources/v3"

	"github.com/amlmove/amlmove/test/estate"
)

// resourcesAPI is what the tests use of armresources, whichever its version.
type resourcesAPI struct {
	createGroup  func(ctx context.Context, name string) (state string, err error)
	groupExists  func(ctx context.Context, name string) (bool, error)
	deleteGroup  func(ctx context.Context, name string) error
	register     func(ctx context.Context, namespace string) error
	registration func(ctx context.Context, namespace string) (string, error)
	capabilities func(ctx context.Context, namespace, typ string) (string, error)
	list         func(ctx context.Context, top int32) (ids []string, pages int, err error)
	validate     func(ctx context.Context, group, target string, ids []string) error
	move         func(ctx context.Context, group, target string, ids []string) error
}

// first returns v and fails the test on an error.
func first[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// text is what a pointer of the SDKs points to.
func text[T ~string](p *T) string {
	if p == nil {
		return ""
	}
	return string(*p)
}

func resourcesV1(t *testing.T, e *estate.Estate, credential azcore.TokenCredential, subscription string) resourcesAPI {
	t.Helper()
	groups := first[*v1.ResourceGroupsClient](t)(v1.NewResourceGroupsClient(subscription, credential, e.Options()))
	providers := first[*v1.ProvidersClient](t)(v1.NewProvidersClient(subscription, credential, e.Options()))
	client := first[*v1.Client](t)(v1.NewClient(subscription, credential, e.Options()))
	return resourcesAPI{
		createGroup: func(ctx context.Context, name string) (string, error) {
			r, err := groups.CreateOrUpdate(ctx, name, v1.ResourceGroup{Location: new("eastus")}, nil)
			if err != nil {
				return "", err
			}
			return text(r.Properties.ProvisioningState), nil
		},
		groupExists: func(ctx context.Context, name string) (bool, error) {
			r, err := groups.CheckExistence(ctx, name, nil)
			return r.Success, err
		},
		deleteGroup: func(ctx context.Context, name string) error {
			p, err := groups.BeginDelete(ctx, name, nil)
			if err == nil {
				_, err = p.PollUntilDone(ctx, nil)
			}
			return err
		},
		register: func(ctx context.Context, namespace string) error {
			_, err := providers.Register(ctx, namespace, nil)
			return err
		},
		registration: func(ctx context.Context, namespace string) (string, error) {
			r, err := providers.Get(ctx, namespace, nil)
			return text(r.RegistrationState), err
		},
		capabilities: func(ctx context.Context, namespace, typ string) (string, error) {
			r, err := providers.Get(ctx, namespace, nil)
			for _, rt := range r.ResourceTypes {
				if text(rt.ResourceType) == typ {
					return text(rt.Capabilities), err
				}
			}
			return "", err
		},
		list: func(ctx context.Context, top int32) (ids []string, pages int, err error) {
			pager := client.NewListPager(&v1.ClientListOptions{Top: &top})
			for ; pager.More(); pages++ {
				page, err := pager.NextPage(ctx)
				if err != nil {
					return ids, pages, err
				}
				for _, item := range page.Value {
					ids = append(ids, text(item.ID))
				}
			}
			return ids, pages, nil
		},
		validate: func(ctx context.Context, group, target string, ids []string) error {
			p, err := client.BeginValidateMoveResources(ctx, group, v1.MoveInfo{Resources: pointers(ids), TargetResourceGroup: &target}, nil)
			if err == nil {
				_, err = p.PollUntilDone(ctx, nil)
			}
			return err
		},
		move: func(ctx context.Context, group, target string, ids []string) error {
			p, err := client.BeginMoveResources(ctx, group, v1.MoveInfo{Resources: pointers(ids), TargetResourceGroup: &target}, nil)
			if err == nil {
				_, err = p.PollUntilDone(ctx, nil)
			}
			return err
		},
	}
}

func resourcesV3(t *testing.T, e *estate.Estate, credential azcore.TokenCredential, subscription string) resourcesAPI {
	t.Helper()
	groups := first[*v3.ResourceGroupsClient](t)(v3.NewResourceGroupsClient(subscription, credential, e.Options()))
	providers := first[*v3.ProvidersClient](t)(v3.NewProvidersClient(subscription, credential, e.Options()))
	client := first[*v3.Client](t)(v3.NewClient(subscription, credential, e.Options()))
	return resourcesAPI{
		createGroup: func(ctx context.Context, name string) (string, error) {
			r, err := groups.CreateOrUpdate(ctx, name, v3.ResourceGroup{Location: new("eastus")}, nil)
			if err != nil {
				return "", err
			}
			return text(r.Properties.ProvisioningState), nil
		},
		groupExists: func(ctx context.Context, name string) (bool, error) {
			r, err := groups.CheckExistence(ctx, name, nil)
			return r.Success, err
		},
		deleteGroup: func(ctx context.Context, name string) error {
			p, err := groups.BeginDelete(ctx, name, nil)
			if err == nil {
				_, err = p.PollUntilDone(ctx, nil)
			}
			return err
		},
		register: func(ctx context.Context, namespace string) error {
			_, err := providers.Register(ctx, namespace, nil)
			return err
		},
		registration: func(ctx context.Context, namespace string) (string, error) {
			r, err := providers.Get(ctx, namespace, nil)
			return text(r.RegistrationState), err
		},
		capabilities: func(ctx context.Context, namespace, typ string) (string, error) {
			r, err := providers.Get(ctx, namespace, nil)
			for _, rt := range r.ResourceTypes {
				if text(rt.ResourceType) == typ {
					return text(rt.Capabilities), err
				}
			}
			return "", err
		},
		list: func(ctx context.Context, top int32) (ids []string, pages int, err error) {
			pager := client.NewListPager(&v3.ClientListOptions{Top: &top})
			for ; pager.More(); pages++ {
				page, err := pager.NextPage(ctx)
				if err != nil {
					return ids, pages, err
				}
				for _, item := range page.Value {
					ids = append(ids, text(item.ID))
				}
			}
			return ids, pages, nil
		},
		validate: func(ctx context.Context, group, target string, ids []string) error {
			p, err := client.BeginValidateMoveResources(ctx, group, v3.MoveInfo{Resources: pointers(ids), TargetResourceGroup: &target}, nil)
			if err == nil {
				_, err = p.PollUntilDone(ctx, nil)
			}
			return err
		},
		move: func(ctx context.Context, group, target string, ids []string) error {
			p, err := client.BeginMoveResources(ctx, group, v3.MoveInfo{Resources: pointers(ids), TargetResourceGroup: &target}, nil)
			if err == nil {
				_, err = p.PollUntilDone(ctx, nil)
			}
			return err
		},
	}
}

// pointers is a list as the SDKs want it.
func pointers(list []string) []*string {
	out := make([]*string, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}
