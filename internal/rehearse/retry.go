package rehearse

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// retry tries again as azcore's own policy does, with the numbers of our client, by the virtual clock: azcore has only the machine's.
type retry struct {
	clock   *clock
	numbers policy.RetryOptions
}

// firstDelay is azcore's where the client names none.
const firstDelay = 800 * time.Millisecond

// again are the status codes after which azcore tries again.
var again = []int{http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}

// Do sends a request until it is answered.
func (r retry) Do(req *policy.Request) (*http.Response, error) {
	ctx := req.Raw().Context()
	for try := 0; ; try++ {
		if err := req.RewindBody(); err != nil {
			return nil, err
		}
		resp, err := req.Clone(ctx).Next()
		if err == nil && !slices.Contains(again, resp.StatusCode) || try == int(r.numbers.MaxRetries) || ctx.Err() != nil {
			return resp, err
		}
		wait := min(firstDelay<<try, r.numbers.MaxRetryDelay)
		if resp != nil {
			if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
				wait = time.Duration(seconds) * time.Second
			}
			_ = resp.Body.Close() // it is not read
		}
		if err := r.clock.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}
