package rules

import "slices"

// Table returns all rules, by id.
func Table() []Rule {
	return slices.Concat[[]Rule]()
}
