// Package whole keeps the everyday run of the tests short: what does the same work again and again is done in part, unless all of it is asked for. It knows nothing else.
package whole

import (
	"os"
	"slices"
	"testing"
)

// Asked reports whether AMLMOVE_TEST_ALL=1, as in CI, or AMLMOVE_NIGHTLY asks for all of it.
func Asked() bool {
	return os.Getenv("AMLMOVE_TEST_ALL") == "1" || os.Getenv("AMLMOVE_NIGHTLY") != ""
}

// Of is how often something is done: all times, or part of them every day.
func Of(part, all int) int {
	if Asked() {
		return all
	}
	return part
}

// Or skips a test that is not one of those of every day, by name, unless all of them are asked for.
func Or(t testing.TB, name string, everyday ...string) {
	t.Helper()
	if !Asked() && !slices.Contains(everyday, name) {
		t.Skip("not every day: AMLMOVE_TEST_ALL=1 runs it")
	}
}
