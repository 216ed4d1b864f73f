package replica

import (
	"crypto/sha512"
	"encoding/base64"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/provider/ml"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// Marker is how every placeholder of a secret begins, in base64 where the service has its keys so.
const Marker = "amlmove placeholder, no secret "

// placeholder stands for a secret that no snapshot has: always the same for the same thing.
func placeholder(of string) string {
	sum := sha512.Sum512([]byte(strings.ToLower(of)))
	return base64.StdEncoding.EncodeToString(append([]byte(Marker), sum[:33]...))
}

// secrets gives a resource beside the workspace, or the workspace itself, placeholders of its keys.
func (l *loading) secrets(d fixture.Document) {
	if d.ID.Type().Is(aml.Workspaces) {
		d.Doc.Private["notebookKeys"] = map[string]any{"primaryAccessKey": placeholder(d.ID.Key() + "/1"), "secondaryAccessKey": placeholder(d.ID.Key() + "/2")}
		return
	}
	entry, err := l.target.Types.Find(d.ID.Type())
	if err != nil || len(entry.Keys) == 0 {
		return
	}
	ring := map[string]any{}
	for _, name := range entry.Keys {
		ring[name] = map[string]any{"value": accountKey(d.ID.Name(), name), "created": "2020-01-01T00:00:00Z"}
	}
	d.Doc.Private["keys"] = ring
}

func accountKey(account, key string) string { return placeholder(account + "/" + key) }

// secretPlaces are what contentSecrets looks at and writes to.
var secretPlaces = []string{"properties.credentials", "properties.accountName", "properties.authType"}

// contentSecrets gives a document of the workspace placeholders of its secrets.
func contentSecrets(kind aml.Kind, d fixture.Document) {
	doc := arm.Document(d.Doc.Public)
	switch kind.Path {
	case "onlineEndpoints", "serverlessEndpoints", "batchEndpoints":
		d.Doc.Private["keys"] = map[string]any{"primaryKey": placeholder(d.ID.Key() + "/1"), "secondaryKey": placeholder(d.ID.Key() + "/2")}
	case "datastores":
		credentials := doc.Text("properties.credentials.credentialsType")
		member := ml.SecretOf(credentials)
		if member == "" {
			return
		}
		value := placeholder(d.ID.Key())
		if credentials == "AccountKey" { // that of the account, as long as nobody renews it
			value = accountKey(doc.Text("properties.accountName"), "key1")
		}
		tree.Set(d.Doc.Private, "properties.credentials.secrets."+member, value)
	case "connections":
		for _, member := range connectionSecrets[strings.ToLower(doc.Text("properties.authType"))] {
			tree.Set(d.Doc.Private, "properties.credentials."+member, placeholder(d.ID.Key()+"/"+member))
		}
	}
}

// connectionSecrets are the secret members of a connection's credentials, by its way of signing in.
var connectionSecrets = map[string][]string{
	"apikey": {"key"}, "accountkey": {"key"}, "accesskey": {"secretAccessKey", "accessKeyId"}, "sas": {"sas"}, "pat": {"pat"},
	"usernamepassword": {"password"}, "serviceprincipal": {"clientSecret"}, "oauth2": {"clientSecret", "refreshToken"},
	"customkeys": {"keys.placeholder"}, // how its keys are called is a secret as well
}
