package capture

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// watch is a clock that the cloud and the client's budget share: it stands until the client waits.
type watch struct {
	mutex sync.Mutex
	now   time.Time
}

func (w *watch) Now() time.Time { w.mutex.Lock(); defer w.mutex.Unlock(); return w.now }

func (w *watch) Until(ctx context.Context, at time.Time) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if at.After(w.now) {
		w.now = at
	}
	return ctx.Err()
}

// meter counts what goes over the wire to the source subscription.
type meter struct {
	mutex             sync.Mutex
	requests, refused int
}

func (m *meter) Do(req *policy.Request) (*http.Response, error) {
	resp, err := req.Next()
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if strings.Contains(strings.ToLower(req.Raw().URL.Path), sourceSub) {
		m.requests++
	}
	if err == nil && resp.StatusCode == http.StatusTooManyRequests {
		m.refused++
	}
	return resp, err
}

func TestAThrottledCaptureSpendsItsBudgetAndIsNeverRefused(t *testing.T) {
	t.Parallel()
	ctx, dir, clock, meter := t.Context(), t.TempDir(), &watch{now: time.Now()}, &meter{}
	st, err := sqlite.Open(ctx, filepath.Join(dir, "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	c, err := cloud.Start(ctx, cloud.Options{Store: st, Machine: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	world, err := fixture.Load(ctx, fixture.Target{Store: st, Tree: c.Tree, Types: cloud.Types(), Now: time.Now}, "contoso", fixture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// A tenth of Azure's numbers, so that contoso, which is small, is throttled for long.
	limit := azure.Limit{Burst: 25, PerSecond: 2.5}
	options := policy.ClientOptions{Transport: c.Client(), PerRetryPolicies: []policy.Policy{meter}, Cloud: azcloud.Configuration{ActiveDirectoryAuthorityHost: c.Base(),
		Services: map[azcloud.ServiceName]azcloud.ServiceConfiguration{azcloud.ResourceManager: {Endpoint: c.Base(), Audience: c.Base()}}}}
	credential, err := azidentity.NewClientSecretCredential(world.TenantID, world.Client.ClientID, world.Client.ClientSecret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: policy.ClientOptions{Transport: c.Client(), Cloud: options.Cloud}, DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	limits := azure.Published()
	limits.Reads = limit
	client, err := azure.New(azure.Options{Endpoint: c.Base(), Credential: credential, Client: options, Budget: azure.NewBudget(limits, clock)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Do(ctx, http.MethodPatch, "/_cloud/throttle", "x", map[string]any{"mode": "enforce", "reads": map[string]any{"burst": limit.Burst, "perSecond": limit.PerSecond}}); err != nil {
		t.Fatal(err)
	}
	w, err := snapshot.Create(ctx, filepath.Join(dir, "w.snap"), false)
	if err != nil {
		t.Fatal(err)
	}
	began := clock.Now()
	header, err := capture.Run(ctx, capture.Options{Client: client, Workspace: parse(t, workspace), Target: parse(t, target)}, w)
	if err != nil {
		t.Fatal(err)
	}
	allowed := limit.Burst + limit.PerSecond*clock.Now().Sub(began).Seconds()
	t.Logf("%d documents; %d requests of %.1f that the source subscription allowed meanwhile (%.1f%%), %d refused; %+v", header.Documents, meter.requests, allowed,
		float64(meter.requests)/allowed*100, meter.refused, client.Usage())
	if meter.refused > 0 {
		t.Errorf("%d requests were refused", meter.refused)
	}
	if meter.requests < int(3*limit.Burst) {
		t.Errorf("only %d requests: nothing was throttled", meter.requests)
	}
	if share := float64(meter.requests) / allowed; share < 0.9 {
		t.Errorf("only %.1f%% of the budget was used", share*100)
	}
}
