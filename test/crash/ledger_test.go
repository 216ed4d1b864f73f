package crash

import (
	"encoding/base64"
	"fmt"
	"slices"
	"sync"
)

// place is what moves or holds documents: a resource group, a workspace, a storage account.
type place struct {
	tail string // behind the group: "/providers/..."; "" for the group itself
	guid string // of a workspace
	bond *place // the account of a workspace
	rest bool   // it never moves

	mu    sync.Mutex
	group string
	moves int // how often it moved
}

func (p *place) path() string { return p.in(p.where()) }

func (p *place) in(group string) string { return group + p.tail }

func (p *place) where() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.group
}

func (p *place) moved() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.moves
}

func (p *place) move(to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.group, p.moves = to, p.moves+1
}

// kind is a kind of document. Each holds its token in several members, so that a mixture of two writes is seen.
type kind struct {
	name, below string // below the place; %s is the name
	patch       bool   // it is part of the place's own document
	detach      string // query of DELETE
	dropped     bool   // a move leaves it behind (S05)
	extension   bool   // bound to a scope
	body        func(name, token string) map[string]any
	tokens      func(name string, doc map[string]any) []string
}

type object = map[string]any

// properties is a body of kinds that differ little.
func properties(fixed object) func(name, token string) map[string]any {
	return func(_, token string) map[string]any {
		inner := object{"description": token, "tags": object{"token": token}, "properties": object{"token": token}}
		for key, value := range fixed {
			inner[key] = value
		}
		return object{"properties": inner}
	}
}

func threeTokens(_ string, doc map[string]any) []string {
	return []string{text(doc, "properties.description"), text(doc, "properties.tags.token"), text(doc, "properties.properties.token")}
}

// kinds are all kinds of documents that the load writes.
var kinds = []kind{
	{name: "model", below: "/models/%s/versions/1", tokens: threeTokens,
		body: properties(object{"modelUri": "azureml://datastores/workspaceblobstore/paths/model"})},
	{name: "data", below: "/data/%s/versions/1", tokens: threeTokens, dropped: true,
		body: properties(object{"dataType": "uri_file", "dataUri": "azureml://datastores/workspaceblobstore/paths/data"})},
	{name: "job", below: "/jobs/%s", tokens: threeTokens,
		body: properties(object{"jobType": "Command", "command": "true", "environmentId": "azureml://registries/azureml/environments/base/versions/1"})},
	{name: "datastore", below: "/datastores/%s",
		body: func(_, token string) map[string]any {
			secret := object{"secretsType": "AccountKey", "key": base64.StdEncoding.EncodeToString([]byte(token))}
			return object{"properties": object{"datastoreType": "AzureBlob", "accountName": token, "containerName": token, "description": token,
				"credentials": object{"credentialsType": "AccountKey", "secrets": secret}}}
		},
		tokens: func(_ string, doc map[string]any) []string {
			return []string{text(doc, "properties.accountName"), text(doc, "properties.containerName"), text(doc, "properties.description")}
		}},
	{name: "compute", below: "/computes/%s", detach: "underlyingResourceAction=Delete",
		body: func(_, token string) map[string]any {
			return object{"location": "eastus", "tags": object{"token": token}, "properties": object{"computeType": "AmlCompute", "description": token,
				"properties": object{"vmSize": "Standard_DS3_v2", "scaleSettings": object{"minNodeCount": 0, "maxNodeCount": 1}}}}
		},
		tokens: func(_ string, doc map[string]any) []string {
			return []string{text(doc, "properties.description"), text(doc, "tags.token")}
		}},
	{name: "tag", patch: true,
		body: func(name, token string) map[string]any {
			return object{"tags": object{name: token, name + "-again": token}}
		},
		tokens: func(name string, doc map[string]any) []string {
			return []string{text(doc, "tags."+name), text(doc, "tags."+name+"-again")}
		}},
	{name: "lock", below: "/providers/Microsoft.Authorization/locks/%s", extension: true,
		body: func(_, token string) map[string]any {
			return object{"properties": object{"level": "CanNotDelete", "notes": token}}
		},
		tokens: func(_ string, doc map[string]any) []string { return []string{text(doc, "properties.notes")} }},
}

func kindNamed(name string) *kind {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	return &kinds[i]
}

// thing is one document. One worker alone writes it, and never while it waits for an answer.
type thing struct {
	*kind
	home *place
	name string
	can  []string // the tokens that it may hold; "" is absent. More than one: a request had no answer
	era  int      // how often its home had moved when the last request was sent
}

func (th *thing) path() string { return th.at(th.home.path()) }

func (th *thing) at(home string) string {
	if th.patch {
		return home
	}
	return home + fmt.Sprintf(th.below, th.name)
}

func (th *thing) String() string { return th.kind.name + " " + th.name + " in " + th.home.tail }

// possible are the tokens that it may hold now. What was done under an id was done before the home left that id, so a move drops it for certain.
func (th *thing) possible() []string {
	if th.dropped && th.home.moved() != th.era {
		return []string{""}
	}
	return th.can
}

// there reports whether it is certain that the document exists.
func (th *thing) there() bool { return !slices.Contains(th.possible(), "") }

// acknowledged notes an answer: the thing holds the token. era is how often its home had moved when the request was sent.
func (th *thing) acknowledged(token string, era int) { th.can, th.era = []string{token}, era }

// unanswered notes that there was none.
func (th *thing) unanswered(token string, era int) {
	th.can, th.era = append(slices.Clone(th.possible()), token), era
}

// held is the token in a document, nil being absent; whole is false when its members disagree.
func (th *thing) held(doc map[string]any) (token string, whole bool) {
	if doc == nil {
		return "", true
	}
	tokens := th.tokens(th.name, doc)
	for _, other := range tokens {
		if other != tokens[0] {
			return fmt.Sprint(tokens), false
		}
	}
	return tokens[0], th.patch || tokens[0] != ""
}
