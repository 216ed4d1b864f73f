package access

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func checkSelectors(selectors []Selector, found *problems) {
	for i, s := range selectors {
		checkTerms(fmt.Sprintf("properties.resourceSelectors[%d].selectors", i), s.Terms, found,
			"resourcelocation", "resourcetype", "resourcewithoutlocation")
	}
}

func checkTerms(path string, terms []SelectorTerm, found *problems, kinds ...string) {
	for i, t := range terms {
		at := fmt.Sprintf("%s[%d]", path, i)
		if !slices.Contains(kinds, strings.ToLower(t.Kind)) {
			found.add("InvalidPolicySelector", at+".kind", "the selector '%s' is not supported", t.Kind)
		}
		if (len(t.In) == 0) == (len(t.NotIn) == 0) {
			found.add("InvalidPolicySelector", at, "a selector has exactly one of in and notIn")
		}
	}
}

// selected reports whether one of the selectors, or none given, takes the resource.
func selected(selectors []Selector, f *frame) bool {
	return len(selectors) == 0 || slices.ContainsFunc(selectors, func(s Selector) bool { return takes(s.Terms, f, "") })
}

// takes reports whether all terms hold for the resource and the member of the initiative.
func takes(terms []SelectorTerm, f *frame, reference string) bool {
	for _, t := range terms {
		v := ""
		location, _ := normalLocation(f.doc["location"]).(string)
		switch strings.ToLower(t.Kind) {
		case "resourcelocation":
			if v = location; v == "" {
				return false
			}
		case "resourcetype":
			v = f.resourceType
		case "resourcewithoutlocation":
			if v = "subscriptionLevelResources"; location != "" {
				return false
			}
		case "policydefinitionreferenceid":
			v = reference
		}
		among := func(list []string) bool {
			return slices.ContainsFunc(list, func(s string) bool {
				return strings.EqualFold(s, v) || strings.EqualFold(t.Kind, "resourceLocation") && normalLocation(s) == any(v)
			})
		}
		if len(t.In) > 0 && !among(t.In) || len(t.NotIn) > 0 && among(t.NotIn) {
			return false
		}
	}
	return true
}

// frees reports whether the exemption holds for a rule at a place now.
func (e Exemption) frees(place string, b *bound, f *frame, now time.Time) bool {
	switch {
	case !strings.EqualFold(cleanScope(e.AssignmentID), b.assignment.ID), !within(place, cleanScope(e.Scope)):
		return false
	case !e.Expires.IsZero() && !now.Before(e.Expires):
		return false
	case len(e.References) > 0 && !slices.ContainsFunc(e.References, func(r string) bool { return strings.EqualFold(r, b.reference) }):
		return false
	}
	return selected(e.Selectors, f)
}
