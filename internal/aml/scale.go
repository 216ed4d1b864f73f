package aml

import (
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
)

// AutoscaleSettings are of Azure Monitor: each scales one resource, which it names by its id.
const AutoscaleSettings arm.Type = "Microsoft.Insights/autoscaleSettings"

// Scales is the resource that an autoscale setting scales; false when it names none.
func Scales(setting arm.Document) (arm.ID, bool) {
	id, err := arm.Parse(setting.Text("properties.targetResourceUri"))
	return id, err == nil && len(id) > 0
}

// ScalesItself reports whether an online deployment follows the load by its own settings, as those on Kubernetes do unless they say otherwise (description of scaleSettings in the API).
func ScalesItself(deployment arm.Document) bool {
	how := deployment.Text("properties.scaleSettings.scaleType")
	return strings.EqualFold(how, "TargetUtilization") || how == "" && strings.EqualFold(deployment.Text("properties.endpointComputeType"), "Kubernetes")
}
