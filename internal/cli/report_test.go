package cli

import (
	"strings"
	"testing"
)

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
