package arm

import "strings"

// Paths are places in documents: by the name of a member, what is named below it; nil names the member itself. "*" is every member of an object or item of a list that is
// not named besides.
type Paths map[string]Paths

// NewPaths reads dotted paths, in which "*" stands for every member of an object or item of a list. What is named as a whole is not named in parts.
func NewPaths(dotted ...string) Paths {
	p := Paths{}
	for _, path := range dotted {
		p.add(path)
	}
	p.spread()
	return p
}

func (p Paths) add(path string) {
	name, rest, more := strings.Cut(path, ".")
	below, there := p[name]
	switch {
	case !more:
		p[name] = nil
	case !there:
		below = Paths{}
		p[name] = below
		below.add(rest)
	case below != nil:
		below.add(rest)
	}
}

// spread gives what every member has to those that are named as well.
func (p Paths) spread() {
	every, there := p["*"]
	for name, below := range p {
		switch {
		case !there || name == "*" || below == nil:
		case every == nil:
			p[name] = nil
		default:
			below.merge(every)
		}
	}
	for _, below := range p {
		below.spread()
	}
}

// Merge adds the places of others, which stay as they are.
func (p Paths) Merge(other Paths) {
	p.merge(other)
	p.spread()
}

func (p Paths) merge(other Paths) {
	for name, theirs := range other {
		mine, there := p[name]
		switch {
		case theirs == nil || there && mine == nil:
			p[name] = nil
		case !there:
			mine = Paths{}
			p[name] = mine
			mine.merge(theirs)
		default:
			mine.merge(theirs)
		}
	}
}

// At is what is named below a member or item, and whether anything is.
func (p Paths) At(name string) (below Paths, named bool) {
	if below, named = p[name]; !named {
		below, named = p["*"]
	}
	return below, named
}
