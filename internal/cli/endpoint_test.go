package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/report"
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

func TestAReportOfAFormThatThereIsNotIsRefused(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]string{"x.pdf": "", "x.docx": "", "x.html": "x.html", "x.HTM": "x.HTM", "x.md": "x.md", "x.json": "x.json", "x.txt": "x.txt", "report": "report", "": "the terminal", "/dev/null": "/dev/null"} {
		_, err := reportOptions{output: name}.view()
		if (err == nil) != (form != "") || err != nil && !(strings.Contains(err.Error(), ".html") && strings.Contains(err.Error(), ".md")) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := (reportOptions{output: "x.pdf", format: "text"}).view(); err != nil {
		t.Errorf("a form that was said: %v", err)
	}
}

// A flag that means nothing to a command would be taken for one that was heeded.
func TestFlagsAreOnlyWhereTheyMeanSomething(t *testing.T) {
	t.Parallel()
	for flag, commands := range map[string][]string{"--yes": {"resume", "rollback", "cancel"}, "--no-rollback": {"rollback", "cancel"}, "--endpoint": {"status", "report", "durations"}} {
		for _, command := range commands {
			if code, _, stderr := run(command, "a-run", flag, "--runs", t.TempDir()); code != exitError || !strings.Contains(stderr, "unknown flag: "+flag) {
				t.Errorf("%s %s ends with %d: %s", command, flag, code, stderr)
			}
		}
	}
}

// Who stops an assessment between two workspaces must not take the silence for an answer.
func TestAnAssessmentThatIsStoppedFails(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	id, err := arm.Parse("/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w")
	if err != nil {
		t.Fatal(err)
	}
	all, err := assessEach(ctx, streams{err: new(strings.Builder)}, []arm.ID{id, id}, func(context.Context, arm.ID) (report.Assessment, error) {
		stop()
		return report.Assessment{}, nil
	})
	if !errs.Is(err, errs.Canceled) || len(all) != 0 {
		t.Errorf("got %v and %v", all, err)
	}
	all, err = assessEach(t.Context(), streams{err: new(strings.Builder)}, []arm.ID{id}, func(context.Context, arm.ID) (report.Assessment, error) {
		return report.Assessment{}, errors.New("refused")
	})
	if err != nil || len(all) != 1 || all[0].Error != "refused" {
		t.Errorf("one that cannot be read: %v and %v", all, err)
	}
}
