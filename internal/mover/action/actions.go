package action

import "maps"

// actions is the table of everything that a plan can contain.
func actions() map[string]Action {
	all := map[string]Action{}
	for _, part := range []map[string]Action{computing(), contents(), surroundings()} {
		maps.Copy(all, part)
	}
	return all
}
