package rules

// verdict is an answer that may be missing: what the facts do not show is neither yes nor no.
type verdict int

const (
	unknown verdict = iota
	yes
	no
)

// is makes a verdict of what is known.
func is(known bool) verdict {
	if known {
		return yes
	}
	return no
}

// not turns a verdict round.
func (v verdict) not() verdict {
	switch v {
	case yes:
		return no
	case no:
		return yes
	}
	return unknown
}

// all is yes when every part is, and no as soon as one is.
func all(parts []verdict) verdict {
	sum := yes
	for _, v := range parts {
		switch v {
		case no:
			return no
		case unknown:
			sum = unknown
		}
	}
	return sum
}

// some is yes as soon as one part is, and no when none is.
func some(parts []verdict) verdict {
	for i := range parts {
		parts[i] = parts[i].not()
	}
	return all(parts).not()
}
