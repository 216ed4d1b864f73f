package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A cloud.json outlives a cloud that was killed: who uses it is told so, and not after half a minute that nobody is signed in.
func TestACloudThatIsDownIsToldAtOnce(t *testing.T) {
	t.Parallel()
	dir, address := t.TempDir(), "127.0.0.1:1"
	data, err := json.Marshal(map[string]string{"endpoint": "https://" + address, "caFile": filepath.Join(dir, "ca.pem"), "tenantId": "t", "clientId": "c", "clientSecret": "s"})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "cloud.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, endpoint string
		says           []string
	}{
		{"its file", file, []string{address, "does not answer", "amlmove cloud up --data " + dir}},
		{"its folder", dir, []string{address, "does not answer", "amlmove cloud up --data " + dir}},
		{"its address", "https://" + address, []string{address, "does not answer", "amlmove cloud up"}},
	} {
		for _, args := range [][]string{{"assess", "--all"}, {"capture", "w"}, {"plan", "w", "--to-group", "g"}} {
			code, out, stderr := run(append(args, "--endpoint", c.endpoint)...)
			if code != exitError || out != "" || strings.Contains(stderr, "signed in") {
				t.Errorf("%s: %v ends with %d: %s%s", c.name, args, code, out, stderr)
			}
			for _, want := range c.says {
				if !strings.Contains(stderr, want) {
					t.Errorf("%s: %v does not say %q: %s", c.name, args, want, stderr)
				}
			}
		}
	}
}
