package ml

import (
	"os"

	"github.com/amlmove/amlmove/internal/errs"
)

// Answers returns a function that holds what the cloud answers against the published description: every member that it shows, read-only ones
// included, has the right type and one of the right values, and what is required is there. Secrets may be missing.
func Answers() func(definition string, doc map[string]any) []*errs.Error {
	more, err := os.ReadFile("testdata/answers.txt")
	if err != nil {
		panic(err)
	}
	all := readShapes()
	all.read(string(more), false)
	all.read("SkuSetting\n\tname! string\n\ttier string\n", false)
	for _, s := range all {
		for _, m := range s.members {
			m.readOnly, m.required = false, m.required && !m.secret
		}
	}
	return func(definition string, doc map[string]any) []*errs.Error {
		if err := all.get(definition).judge(doc); err != nil {
			return errs.As(err).Details
		}
		return nil
	}
}
