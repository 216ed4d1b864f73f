package aml

import "github.com/amlmove/amlmove/internal/arm"

// Enabled reports whether a schedule starts jobs. One that does not say does: true is the default of isEnabled in the description of the API.
func Enabled(schedule arm.Document) bool {
	value, _ := schedule.At("properties.isEnabled")
	return value == nil || value == true
}
