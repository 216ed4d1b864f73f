package access

import "strings"

// pattern is an action with wildcards, cut at its stars once. A star stands for any characters, slashes included; and "/*/" also
// stands for a single slash: workspaces/*/read covers workspaces/read. That is how Azure reads its own roles: AzureML Data
// Scientist reads the workspace, and its notActions keep it from writing computes.
type pattern struct {
	pieces []string // lower case; a pattern without a star has one piece
}

func compilePattern(text string) pattern {
	return pattern{pieces: strings.Split(strings.ToLower(text), "*")}
}

// matches compares without case and without allocation. The leftmost match of each middle piece leaves the most room to the
// ones behind it, so no backtracking is needed.
func (p pattern) matches(action string) bool {
	first, last := p.pieces[0], p.pieces[len(p.pieces)-1]
	if len(p.pieces) == 1 {
		return sameFold(action, first)
	}
	if len(action) < len(first) || !sameFold(action[:len(first)], first) {
		return false
	}
	at := len(first)
	for i := 1; i < len(p.pieces)-1; i++ {
		if p.sharesSlash(i, at) {
			at--
		}
		found := indexFold(action[at:], p.pieces[i])
		if found < 0 {
			return false
		}
		at += found + len(p.pieces[i])
	}
	if p.sharesSlash(len(p.pieces)-1, at) {
		at--
	}
	return len(action)-at >= len(last) && sameFold(action[len(action)-len(last):], last)
}

// sharesSlash reports whether the star before piece i stands between slashes, so that both may be the same one.
func (p pattern) sharesSlash(i, at int) bool {
	return at > 0 && strings.HasSuffix(p.pieces[i-1], "/") && strings.HasPrefix(p.pieces[i], "/")
}

// indexFold is strings.Index without ASCII case.
func indexFold(text, part string) int {
	for i := 0; i+len(part) <= len(text); i++ {
		if sameFold(text[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}

// wildcards is a permission ready to be asked.
type wildcards struct{ actions, notActions, dataActions, notDataActions []pattern }

func compilePermission(p Permission) wildcards {
	return wildcards{compileAll(p.Actions), compileAll(p.NotActions), compileAll(p.DataActions), compileAll(p.NotDataActions)}
}

func compileAll(texts []string) []pattern {
	patterns := make([]pattern, len(texts))
	for i, text := range texts {
		patterns[i] = compilePattern(text)
	}
	return patterns
}

func (w wildcards) allows(action string) bool {
	return anyMatches(w.actions, action) && !anyMatches(w.notActions, action)
}

func (w wildcards) allowsData(action string) bool {
	return anyMatches(w.dataActions, action) && !anyMatches(w.notDataActions, action)
}

func anyMatches(patterns []pattern, action string) bool {
	for _, p := range patterns {
		if p.matches(action) {
			return true
		}
	}
	return false
}
