package identity

import (
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// options are what a user of the Go SDK sets for this cloud.
func options(at string, client *http.Client) azcore.ClientOptions {
	return azcore.ClientOptions{
		Cloud: cloud.Configuration{
			ActiveDirectoryAuthorityHost: at,
			Services:                     map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: at, Audience: at}},
		},
		Transport: client,
		Retry:     policy.RetryOptions{MaxRetries: -1},
	}
}

func TestTheGoSDKSignsInWithBothAuthorityForms(t *testing.T) {
	t.Parallel()
	for _, tenant := range []string{tenantA, "adfs"} {
		t.Run("an application through "+tenant, func(t *testing.T) {
			t.Parallel()
			w, at, client := serve(t)
			credential, err := azidentity.NewClientSecretCredential(tenant, clientA, secretA,
				&azidentity.ClientSecretCredentialOptions{ClientOptions: options(at, client), DisableInstanceDiscovery: true})
			if err != nil {
				t.Fatal(err)
			}
			expect(t, w, credential, at, objectA)
		})
		t.Run("a person through "+tenant, func(t *testing.T) {
			t.Parallel()
			w, at, client := serve(t)
			//lint:ignore SA1019 the password grant is what az uses for people, and this is the SDK's form of it
			settings := azidentity.UsernamePasswordCredentialOptions{ClientOptions: options(at, client), DisableInstanceDiscovery: true}
			credential, err := azidentity.NewUsernamePasswordCredential(tenant, azClient, userName, password, &settings)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, w, credential, at, userA)
		})
	}
}

func TestTheGoSDKShowsARefusal(t *testing.T) {
	t.Parallel()
	_, at, client := serve(t)
	credential, err := azidentity.NewClientSecretCredential(tenantA, clientA, secretB,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options(at, client), DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{at + "/.default"}})
	if err == nil || !strings.Contains(err.Error(), "AADSTS7000215") || strings.Contains(err.Error(), secretB) {
		t.Errorf("got %v", err)
	}
}

func TestTheGoSDKUsesTheManagedIdentityEndpoint(t *testing.T) {
	w, at, client := serve(t)
	t.Setenv("IDENTITY_ENDPOINT", at+ManagedPath)
	t.Setenv("IDENTITY_HEADER", IdentityHeader(robotA, secretA))
	for name, id := range map[string]azidentity.ManagedIDKind{"system": nil, "client": azidentity.ClientID(robotApp), "object": azidentity.ObjectID(robotA)} {
		t.Run(name, func(t *testing.T) {
			credential, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ClientOptions: options(at, client), ID: id})
			if err != nil {
				t.Fatal(err)
			}
			expect(t, w, credential, at, robotA)
		})
	}
}

func TestWithoutTheCATheGoSDKTrustsNothing(t *testing.T) {
	t.Parallel()
	_, at, _ := serve(t)
	credential, err := azidentity.NewClientSecretCredential(tenantA, clientA, secretA,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options(at, &http.Client{Transport: &http.Transport{}}), DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{at + "/.default"}})
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v, want a certificate error", err)
	}
}

// expect gets a token twice, the second one from the SDK's cache or by refresh, and verifies whose it is.
func expect(t *testing.T, w *world, credential azcore.TokenCredential, at, objectID string) {
	t.Helper()
	for range 2 {
		token, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{at + "/.default"}})
		if err != nil {
			t.Fatal(err)
		}
		caller, err := w.Verify(t.Context(), "Bearer "+token.Token)
		if err != nil || caller.ObjectID != objectID {
			t.Errorf("got %+v, %v, want %s", caller, err, objectID)
		}
	}
}
