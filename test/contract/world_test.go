package contract

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
)

// world is the cloud that all requests go to.
type world struct {
	t            testing.TB
	cloud        *cloudtest.Cloud
	token        string
	subscription string
	known        map[string]bool   // resources that are there, lower case
	connections  map[string]string // a private endpoint connection, by service
}

const (
	groupName     = "contract-rg"
	workspaceName = "contract-ws"
	targetName    = "contract-target-rg" // of moves
	target        = "{target}"           // stands for its id
)

// newWorld starts a cloud with a group, a workspace and its accounts, and a private endpoint that is connected to it.
func newWorld(t testing.TB) *world {
	t.Helper()
	cloud := cloudtest.Start(t)
	w := &world{t: t, cloud: cloud, subscription: cloud.Subscriptions[0], token: cloud.Token(t, cloud.Credential()), known: map[string]bool{}}
	for _, ns := range namespaces {
		w.must(http.MethodPost, "/subscriptions/"+w.subscription+"/providers/"+ns+"/register?api-version=2022-09-01", nil)
	}
	for _, ns := range namespaces {
		for {
			state, _ := w.must(http.MethodGet, "/subscriptions/"+w.subscription+"/providers/"+ns+"?api-version=2022-09-01", nil)["registrationState"].(string)
			if state == "Registered" {
				break
			}
			w.drain()
		}
	}
	w.must(http.MethodPost, "/_cloud/clock", `{"durations":{"job.run":"100h"}}`) // jobs are there to be cancelled
	w.must(http.MethodPut, w.group()+"?api-version=2022-09-01", `{"location":"eastus"}`)
	w.must(http.MethodPut, w.rewriteWord(target)+"?api-version=2022-09-01", `{"location":"eastus"}`)
	for _, step := range foundation {
		w.ensure(w.group()+"/providers/"+step.path, step.version, w.rewrite(step.body).(map[string]any))
	}
	for _, path := range gone {
		w.follow(w.send(http.MethodDelete, w.group()+"/providers/"+path+"?api-version=2023-07-01", nil))
	}
	w.connections = map[string]string{}
	for service, path := range connected {
		answer := w.must(http.MethodGet, w.group()+"/providers/"+path+"/privateEndpointConnections?api-version=2023-07-01", nil)
		for _, item := range list(answer["value"]) {
			w.connections[service] = text(item.(map[string]any), "name")
		}
	}
	return w
}

func (w *world) group() string {
	return "/subscriptions/" + w.subscription + "/resourceGroups/" + groupName
}

func (w *world) workspace() string {
	return w.group() + "/providers/Microsoft.MachineLearningServices/workspaces/" + workspaceName
}

// send carries out one request.
func (w *world) send(method, path string, body any) cloudtest.Answer {
	w.t.Helper()
	return w.cloud.DoToken(w.t, w.token, method, path, body)
}

// must is send and follow; the test ends when it is refused.
func (w *world) must(method, path string, body any) map[string]any {
	w.t.Helper()
	first := w.send(method, path, body)
	last := w.follow(first)
	if first.Status >= 300 || last.trouble != "" {
		w.t.Fatalf("%s %s was answered %d: %s %s", method, path, first.Status, first.Body, last.trouble)
	}
	var object map[string]any
	_ = decode(first.Body, &object)
	return object
}

// ensure makes a resource that is not there.
func (w *world) ensure(path, version string, body map[string]any) {
	w.t.Helper()
	if w.known[strings.ToLower(path)] {
		return
	}
	w.must(http.MethodPut, path+"?api-version="+version, body)
	w.known[strings.ToLower(path)] = true
}

// try makes a resource that is not there, if it can be made: the request that wants it says so otherwise.
func (w *world) try(path, version string, body map[string]any) bool {
	w.t.Helper()
	key := strings.ToLower(path)
	if !w.known[key] {
		first := w.send(http.MethodPut, path+"?api-version="+version, body)
		w.known[key] = w.follow(first).trouble == "" && first.Status < 300
	}
	return w.known[key]
}

// ending is how an operation ended.
type ending struct {
	final   *cloudtest.Answer // of the Location URL; nil without one
	async   map[string]any    // the last document of the Azure-AsyncOperation URL
	trouble string
}

// drain has the cloud carry out what is due: the answer is the signal.
func (w *world) drain() {
	w.t.Helper()
	if answer := w.send(http.MethodPost, "/_cloud/clock/drain", nil); answer.Status != http.StatusOK {
		w.t.Fatalf("drain: %d %s", answer.Status, answer.Body)
	}
}

// follow waits until an operation ends.
func (w *world) follow(first cloudtest.Answer) ending {
	w.t.Helper()
	var end ending
	location, async := first.Header.Get("Location"), first.Header.Get("Azure-AsyncOperation")
	for async != "" && first.Status < 300 {
		poll := w.send(http.MethodGet, async, nil)
		_ = decode(poll.Body, &end.async)
		switch state := text(end.async, "status"); {
		case poll.Status != http.StatusOK:
			end.trouble = "the Azure-AsyncOperation URL answers " + string(poll.Body)
		case state == "Failed" || state == "Canceled":
			end.trouble = "the operation ended " + state + ": " + string(poll.Body)
		case state != "Succeeded":
			w.drain()
			continue
		}
		break
	}
	for location != "" && first.Status == http.StatusAccepted {
		poll := w.send(http.MethodGet, location, nil)
		if poll.Status == http.StatusAccepted {
			w.drain()
			continue
		}
		end.final = &poll
		if poll.Status >= 300 && end.trouble == "" {
			end.trouble = "the Location URL answers " + string(poll.Body)
		}
		break
	}
	return end
}

var (
	groupWords     = regexp.MustCompile(`(?i)/?subscriptions/[^/]+/resourceGroups/[^/]+`)
	subWords       = regexp.MustCompile(`(?i)^/?subscriptions/[^/]+`)
	workspaceWords = regexp.MustCompile(`(?i)(Microsoft\.MachineLearningServices/workspaces/)[^/]+`)
	braces         = strings.NewReplacer("{", "", "}", "")
	storageWords   = regexp.MustCompile(`(?i)(/storageAccounts/)([^/]+)`)
)

// rewrite makes the ids of an example ids of this world.
func (w *world) rewrite(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, inner := range v {
			out[w.rewriteWord(name)] = w.rewrite(inner)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = w.rewrite(inner)
		}
		return out
	case string:
		return w.rewriteWord(v)
	}
	return value
}

func (w *world) rewriteWord(word string) string {
	if word == target {
		return "/subscriptions/" + w.subscription + "/resourceGroups/" + targetName
	}
	word = strings.ReplaceAll(word, "{tenant}", w.cloud.TenantID)
	if groupWords.MatchString(word) {
		word = braces.Replace(groupWords.ReplaceAllLiteralString(word, w.group()))
		word = workspaceWords.ReplaceAllString(word, "${1}"+workspaceName)
		return storageWords.ReplaceAllStringFunc(word, strings.ToLower)
	}
	return subWords.ReplaceAllLiteralString(word, "/subscriptions/"+w.subscription)
}

// references makes the resources that a body names and the service wants to find.
func (w *world) references(value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			w.references(name)
			w.references(inner)
		}
	case []any:
		for _, inner := range v {
			w.references(inner)
		}
	case string:
		for _, n := range neighbours {
			if parts := n.pattern.FindStringSubmatch(v); parts != nil && strings.HasPrefix(v, w.group()) {
				w.try(w.group()+parts[1], n.version, w.rewrite(n.body).(map[string]any))
			}
		}
	}
}
