package ml

import (
	"net/url"
	"strings"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// listedBy makes the Listed of a type whose lists can be asked for documents with a value at a path, by query parameter.
func listedBy(paths map[string]string) func(url.Values) (func(map[string]any) bool, error) {
	return func(q url.Values) (func(map[string]any) bool, error) {
		wanted := map[string]string{}
		for parameter, path := range paths {
			if text := parameterOf(q, parameter); text != "" {
				wanted[path] = text
			}
		}
		if len(wanted) == 0 {
			return nil, nil
		}
		return func(doc map[string]any) bool {
			for path, text := range wanted {
				value := tree.Text(doc, path)
				if flag, is := tree.Get(doc, path).(bool); is {
					value = map[bool]string{true: "true", false: "false"}[flag]
				}
				if !strings.EqualFold(value, text) {
					return false
				}
			}
			return true
		}, nil
	}
}

// listedSchedules chooses schedules by whether they are enabled.
func listedSchedules(q url.Values) (func(map[string]any) bool, error) {
	enabled := func(doc map[string]any) bool { return tree.Flag(doc, "properties.isEnabled") }
	switch view := strings.ToLower(parameterOf(q, "listViewType")); view {
	case "", "all":
		return nil, nil
	case "enabledonly":
		return enabled, nil
	case "disabledonly":
		return func(doc map[string]any) bool { return !enabled(doc) }, nil
	default:
		return nil, provider.Invalid("InvalidQueryParameter", "The query parameter 'listViewType' must be EnabledOnly, DisabledOnly or All for schedules, not '%s'.", view)
	}
}

// parameterOf reads a query parameter whatever the case of its name.
func parameterOf(q url.Values, name string) string {
	for key, values := range q {
		if strings.EqualFold(key, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}
