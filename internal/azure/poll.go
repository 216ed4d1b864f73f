package azure

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/errs"
)

// Run sends a request and follows its operation to the end.
func (c *Client) Run(ctx context.Context, method, path, version string, body any) (Answer, error) {
	answer, err := c.Do(ctx, method, path, version, body)
	if err != nil || answer.Status != http.StatusAccepted {
		return answer, err
	}
	location := answer.Header.Get("Location")
	if location == "" {
		return answer, errs.New(errs.Unavailable, "NoLocation", "%s %s was accepted without saying where its operation can be followed", method, path)
	}
	if err := c.pause(ctx, answer.Header); err != nil {
		return answer, err
	}
	return c.Resume(ctx, location, version)
}

// Resume follows an operation from the URL that was saved when it began: a Location, or an Azure-AsyncOperation. It returns the final answer; an operation that
// ended badly is an error. Doing it again is harmless.
func (c *Client) Resume(ctx context.Context, url, version string) (Answer, error) {
	for {
		answer, ended, err := c.Look(ctx, url, version)
		if ended || err != nil {
			return answer, err
		}
		if err := c.pause(ctx, answer.Header); err != nil {
			return answer, err
		}
	}
}

// Look asks once how an operation stands, for callers that wait by themselves. The error is how it ended, or that it could not be asked.
func (c *Client) Look(ctx context.Context, url, version string) (answer Answer, ended bool, err error) {
	if answer, err = c.Do(ctx, http.MethodGet, url, version, nil); err != nil {
		return answer, false, err
	}
	ended, err = settled(answer)
	return answer, ended, err
}

// settled reads whether an operation has ended: by its status code at a Location, by the word "status" at an Azure-AsyncOperation.
func settled(answer Answer) (bool, error) {
	if answer.Status == http.StatusAccepted {
		return false, nil
	}
	var operation struct {
		ID     string          `json:"id"`
		Status string          `json:"status"`
		Type   string          `json:"type"`
		Error  json.RawMessage `json:"error"`
	}
	if answer.Status != http.StatusOK || json.Unmarshal(answer.Body, &operation) != nil || operation.Status == "" || operation.Type != "" {
		return true, nil
	}
	switch strings.ToLower(operation.Status) {
	case "succeeded":
		return true, nil
	case "failed", "canceled", "cancelled":
		trouble := readError(errs.Conflict, answer.Body)
		if trouble.Message == "" {
			trouble.Message = "the operation ended as " + operation.Status
		}
		return true, trouble
	}
	return false, nil
}

// defaultPause is how long a poller waits when the other side does not say.
const defaultPause = 5 * time.Second

// pause waits as long as Retry-After says.
func (c *Client) pause(ctx context.Context, header http.Header) error {
	wait := defaultPause
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil {
		wait = time.Duration(seconds) * time.Second
	}
	return c.sleep(ctx, wait)
}

// sleep waits on the machine's clock.
func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
