package fault_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// send sends a request that may lose its connection.
func (w *world) send(t *testing.T, method, path, body string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.Endpoint+path+"?api-version=2024-04-01", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	resp, err := w.HTTPClient().Do(req)
	if err == nil {
		t.Cleanup(func() { _ = resp.Body.Close() })
	}
	return resp, err
}

func TestAStatusIsAnsweredBeforeAnythingHappens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fault(t, `{"kind":"status","status":429,"retryAfter":7,"match":{"method":"PUT","times":1}}`)
	w.fault(t, `{"kind":"status","status":503,"code":"ServerBusy","message":"busy","match":{"path":"**/resourcegroups/NEW-*","times":1}}`)
	group := strings.Replace(w.source, "source-rg", "new-rg", 1)
	a := w.do(t, "PUT", group, `{"location":"eastus"}`)
	trouble, _ := a.JSON(t)["error"].(map[string]any)
	if a.Status != 429 || a.Header.Get("Retry-After") != "7" || trouble["code"] != "TooManyRequests" {
		t.Errorf("the first PUT is answered %d %q %v", a.Status, a.Header.Get("Retry-After"), trouble)
	}
	a = w.do(t, "PUT", group, `{"location":"eastus"}`)
	trouble, _ = a.JSON(t)["error"].(map[string]any)
	if a.Status != 503 || trouble["code"] != "ServerBusy" || trouble["message"] != "busy" {
		t.Errorf("the second PUT is answered %d %v", a.Status, trouble)
	}
	if a = w.do(t, "GET", group, ""); a.Status != 404 {
		t.Errorf("the group is there: %d", a.Status)
	}
	if a = w.do(t, "PUT", group, `{"location":"eastus"}`); a.Status != 201 {
		t.Errorf("the third PUT is answered %d", a.Status)
	}
}

func TestALostAnswerHasItsEffectAndADroppedRequestHasNot(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]int{"lostAnswer": 200, "drop": 404} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fault(t, `{"kind":"`+kind+`","match":{"action":"Microsoft.Resources/subscriptions/resourceGroups/write"}}`)
			group := strings.Replace(w.source, "source-rg", "new-rg", 1)
			if resp, err := w.send(t, "PUT", group, `{"location":"eastus"}`); err == nil {
				t.Errorf("the PUT is answered %d", resp.StatusCode)
			}
			if a := w.do(t, "GET", group, ""); a.Status != want {
				t.Errorf("afterwards the group is answered %d, want %d", a.Status, want)
			}
		})
	}
}

func TestLatencyAndSlowBodiesTakeTheirTime(t *testing.T) {
	t.Parallel()
	for fault, least := range map[string]time.Duration{
		`{"kind":"latency","delay":"120ms"}`:            120 * time.Millisecond,
		`{"kind":"slowBody","delay":"20ms","chunk":20}`: 60 * time.Millisecond,
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			want := w.do(t, "GET", w.source, "").Body
			w.fault(t, fault)
			begun := time.Now()
			resp, err := w.send(t, "GET", w.source, "")
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			if err != nil || string(got) != string(want) {
				t.Errorf("the body is %q, %v, want %q", got, err, want)
			}
			if took := time.Since(begun); took < least {
				t.Errorf("the answer took %s, want at least %s", took, least)
			}
		})
	}
}

// pattern is which of n requests fail.
func (w *world) pattern(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	for range n {
		if w.do(t, "GET", w.source, "").Status == http.StatusOK {
			b.WriteByte('.')
		} else {
			b.WriteByte('x')
		}
	}
	return b.String()
}

func TestTheSameSeedGivesTheSameFaults(t *testing.T) {
	t.Parallel()
	const faults = `{"seed":%d,"faults":[{"kind":"status","status":500,"match":{"path":"**/source-rg","probability":0.4}}]}`
	run := func(w *world, seed int) string {
		w.must(t, "PUT", "/_cloud/faults", fmt.Sprintf(faults, seed))
		return w.pattern(t, 40)
	}
	one, other := newWorld(t), newWorld(t)
	first := run(one, 7)
	if again := run(one, 7); again != first {
		t.Errorf("the same cloud with the same seed:\n%s\n%s", first, again)
	}
	if there := run(other, 7); there != first {
		t.Errorf("another cloud with the same seed:\n%s\n%s", first, there)
	}
	if run(one, 8) == first {
		t.Error("another seed gives the same faults")
	}
	one.must(t, "PATCH", "/_cloud/faults", `{"seed":7}`)
	if patched := one.pattern(t, 40); patched != first {
		t.Errorf("the seed set back:\n%s\n%s", first, patched)
	}
	if n := strings.Count(first, "x"); n < 6 || n > 26 {
		t.Errorf("%d of 40 requests failed at a probability of 0.4", n)
	}
}

func TestTheListShowsWhatWasCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fault(t, `{"kind":"status","status":500,"match":{"path":"**/source-rg","skip":2,"times":1}}`)
	w.fault(t, `{"id":"mine","kind":"latency","delay":"1ms","match":{"path":"**/nowhere"}}`)
	if got := w.pattern(t, 5); got != "..x.." {
		t.Errorf("with skip 2 and times 1 the requests go %s", got)
	}
	var list struct {
		Faults []struct {
			ID           string
			Seen, Struck int64
		}
	}
	if err := json.Unmarshal(w.do(t, "GET", "/_cloud/faults", "").Body, &list); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(list.Faults); got != "[{fault-1 5 1} {mine 0 0}]" {
		t.Errorf("the list is %s", got)
	}
	w.must(t, "DELETE", "/_cloud/faults/mine", "")
	w.must(t, "DELETE", "/_cloud/faults", "")
	if a := w.do(t, "GET", "/_cloud/faults/fault-1", ""); a.Status != 404 {
		t.Errorf("after clearing the fault is answered %d", a.Status)
	}
	if got := w.pattern(t, 5); strings.Contains(got, "x") {
		t.Errorf("after clearing the requests go %s", got)
	}
}

func TestThrottling(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const remaining = "X-Ms-Ratelimit-Remaining-Subscription-Reads"
	if h := w.do(t, "GET", w.source, "").Header; h.Get(remaining) != "" {
		t.Errorf("while off there is %v", h)
	}
	w.must(t, "PATCH", "/_cloud/throttle", `{"mode":"headers","reads":{"burst":3,"perSecond":0.000001}}`)
	var left []string
	for range 5 {
		a := w.do(t, "GET", w.source, "")
		left = append(left, fmt.Sprint(a.Status, " ", a.Header.Get(remaining)))
	}
	if want := []string{"200 2", "200 1", "200 0", "200 0", "200 0"}; !slices.Equal(left, want) {
		t.Errorf("with mode headers: %v, want %v", left, want)
	}
	w.must(t, "PATCH", "/_cloud/throttle", `{"mode":"enforce"}`)
	left = nil
	for range 4 {
		a := w.do(t, "GET", w.source, "")
		left = append(left, fmt.Sprint(a.Status, " ", a.Header.Get(remaining), " ", a.Header.Get("Retry-After") != ""))
	}
	if want := []string{"200 2 false", "200 1 false", "200 0 false", "429 0 true"}; !slices.Equal(left, want) {
		t.Errorf("with mode enforce: %v, want %v", left, want)
	}
	a := w.do(t, "GET", w.source, "")
	if !strings.Contains(string(a.Body), `"code":"SubscriptionRequestsThrottled"`) {
		t.Errorf("the body is %s", a.Body)
	}
	if a = w.do(t, "GET", w.target, ""); a.Status != 200 || a.Header.Get(remaining) != "2" {
		t.Errorf("the other subscription is answered %d with %q left", a.Status, a.Header.Get(remaining))
	}
	if a = w.do(t, "GET", "/subscriptions", ""); a.Header.Get("X-Ms-Ratelimit-Remaining-Tenant-Reads") != "2" {
		t.Errorf("the tenant's reads: %v", a.Header)
	}
	if a = w.do(t, "DELETE", w.source+"/providers/Microsoft.Storage/storageAccounts/none", ""); a.Header.Get("X-Ms-Ratelimit-Remaining-Subscription-Deletes") != "199" {
		t.Errorf("the deletes: %v", a.Header)
	}
	w.must(t, "DELETE", "/_cloud/throttle", "")
	if a = w.do(t, "GET", w.source, ""); a.Status != 200 || a.Header.Get(remaining) != "" {
		t.Errorf("switched off again: %d %v", a.Status, a.Header)
	}
}
