package cli

import (
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/mover"
)

// What a practice run took says nothing of Azure, and what Azure takes nothing of practice.
func TestDurationsOfPracticeAndOfAzureAreNotMixed(t *testing.T) {
	t.Parallel()
	story := func(id, endpoint string) mover.Story {
		return mover.Story{Meta: mover.Meta{ID: id, Endpoint: endpoint}}
	}
	azure, public, practice := story("azure", ""), story("public", "https://management.azure.com/"), story("practice", "/x/cloud.json")
	for _, c := range []struct {
		name    string
		every   bool
		stories []mover.Story
		want    string
		says    string
	}{
		{"runs on Azure", true, []mover.Story{azure, public}, "azure public", ""},
		{"of all runs those on Azure count", true, []mover.Story{practice, azure, practice}, "azure", "2 practice runs do not count"},
		{"practice alone is measured, and said to be", true, []mover.Story{practice}, "practice", "practice"},
		{"practice that was named is measured, and said to be", false, []mover.Story{practice}, "practice", "practice"},
		{"both were named", false, []mover.Story{azure, practice}, "", "azure is of Azure and practice of a practice cloud"},
	} {
		kept, remark, err := oneSide(c.stories, c.every)
		var ids []string
		for _, s := range kept {
			ids = append(ids, s.Meta.ID)
		}
		if err != nil {
			remark = err.Error()
		}
		if got := strings.Join(ids, " "); got != c.want || !strings.Contains(remark, c.says) || c.says == "" && remark != "" {
			t.Errorf("%s: got %q and %q", c.name, got, remark)
		}
	}
}
