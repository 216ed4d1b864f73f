package report

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/amlmove/amlmove/test/browser"
)

// TestPagesInABrowser opens the pages in a real Chromium, in a window of a desk and in a narrow one.
func TestPagesInABrowser(t *testing.T) {
	t.Parallel()
	var assessment bytes.Buffer
	if err := AssessHTML(&assessment, assessed(), time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		page  []byte
		texts []string
	}{
		{"report", []byte(rendered(t, contoso())), []string{"not everything is as it was", "give it its roles", newGroup + ml, "the quota is used up", "Timeline"}},
		{"hostile names", []byte(rendered(t, full())), []string{hostile, "ws-12345678"}},
		{"assessment", assessment.Bytes(), []string{"grade", "workspace", "blockers"}},
	} {
		for _, width := range []int{1280, 500, 360} {
			t.Run(fmt.Sprint(c.name, width), func(t *testing.T) {
				t.Parallel()
				browser.Sound(t, c.page, width, c.texts...)
			})
		}
	}
}
