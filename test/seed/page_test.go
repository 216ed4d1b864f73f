package seed

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// page is the commands of Azure's page, each as it is printed.
type page struct{ accountSet, groupCreate, validate, move string }

// printed is the commands as they were printed when this test was written, for a checkout that has not the page beside it.
var printed = page{
	accountSet:  `az account set -s origin-sub-id`,
	groupCreate: `az group create -g destination-rg -l my-region --subscription destination-sub-id`,
	validate:    `az resource invoke-action --action validateMoveResources --ids "/subscriptions/origin-sub-id/resourceGroups/origin-rg" --request-body "{ \"resources\": [\"/subscriptions/origin-sub-id/resourceGroups/origin-rg/providers/Microsoft.MachineLearningServices/workspaces/origin-workspace-name\"],\"targetResourceGroup\":\"/subscriptions/destination-sub-id/resourceGroups/destination-rg\" }"`,
	move:        `az resource move --destination-group destination-rg --destination-subscription-id destination-sub-id --ids "/subscriptions/origin-sub-id/resourceGroups/origin-rg/providers/Microsoft.MachineLearningServices/workspaces/origin-workspace-name"`,
}

func TestTheCommandsAreThoseOfThePage(t *testing.T) {
	t.Parallel()
	p, found := findPage(t)
	if !found {
		t.Skip("S20 the commands were not compared with the page: shared/spec/seed.txt is not beside the repository")
	}
	if p != printed {
		t.Errorf("S20 the page prints\n%+v\nand not\n%+v", p, printed)
	}
}

// readPage returns the commands, from the page where it is.
func readPage(t *testing.T) page {
	t.Helper()
	if p, found := findPage(t); found {
		return p
	}
	return printed
}

// findPage looks for shared/spec/seed.txt beside the repository.
func findPage(t *testing.T) (page, bool) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		data, err := os.ReadFile(filepath.Join(dir, "shared", "spec", "seed.txt"))
		if err == nil {
			return commands(t, string(data)), true
		}
		if !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if dir == filepath.Dir(dir) {
			return page{}, false
		}
		dir = filepath.Dir(dir)
	}
}

// commands takes the lines that are commands.
func commands(t *testing.T, text string) page {
	t.Helper()
	var p page
	for line := range strings.Lines(text) {
		if at := strings.Index(line, ":az "); at >= 0 { // the page runs one command together with the sentence before it
			line = line[at+1:]
		}
		line = strings.TrimSpace(line)
		for prefix, at := range map[string]*string{"az account set": &p.accountSet, "az group create": &p.groupCreate,
			"az resource invoke-action": &p.validate, "az resource move": &p.move} {
			if strings.HasPrefix(line, prefix) {
				*at = line
			}
		}
	}
	if p.accountSet == "" || p.groupCreate == "" || p.validate == "" || p.move == "" {
		t.Fatalf("the page lacks a command: %+v", p)
	}
	return p
}
