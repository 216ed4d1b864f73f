package ml

import (
	"fmt"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// active flags a job that has not ended: a move finds such jobs by an index, whatever the history (S28).
const active = "active"

func (b builder) jobs() []provider.Type {
	job := b.shapes.get("JobBaseResource")
	return []provider.Type{
		b.content("jobs", "JobBaseResource", provider.Type{
			Pattern: assetName, NoPatch: true, AsyncDelete: true, Put: fixed(job, putJob), Delete: deleteJob, Settle: settleJob,
			Actions: map[string]provider.Action{"cancel": {Do: cancelJob, Async: true, Writes: true}},
		}),
		b.content("schedules", "ScheduleResource", provider.Type{
			Pattern: assetName, Stateful: true, NoPatch: true, AsyncPut: true, AsyncDelete: true, Put: putSchedule, Delete: deleteSchedule,
		}),
		b.content("labelingJobs", "LabelingJobResource", provider.Type{
			Pattern: childName, Stateful: true, NoPatch: true, AsyncPut: true, Put: putLabeling, Settle: settleLabeling,
			Actions: map[string]provider.Action{
				"pause":        {Do: pauseLabeling, Writes: true},
				"resume":       {Do: resumeLabeling, Async: true, Writes: true},
				"exportlabels": {Do: exportLabels, Async: true, Writes: true},
			},
		}),
	}
}

// status is the state of a job.
func status(c *provider.Call) aml.JobStatus { return aml.JobStatus(tree.Text(c.Props(), "status")) }

// setStatus changes the state of a job and keeps its flag in step.
func setStatus(c *provider.Call, s aml.JobStatus) {
	c.Props()["status"], c.Changed = string(s), true
	c.Flag = active
	if s.Terminal() {
		c.Flag = ""
	}
}

// putJob starts a job, or changes the little that can be changed on one.
func putJob(c *provider.Call) error {
	props := c.Props()
	if c.Old != nil {
		setDefault(props, "services", copyOf(c.OldProps()["services"]))
		setDefault(props, "isArchived", false)
		return nil
	}
	jobServices(c, props)
	if compute := tree.Text(props, "computeId"); compute != "" {
		if err := checkContentID(c, "properties.computeId", compute); err != nil {
			return err
		}
	}
	setDefault(props, "displayName", c.ID.Name())
	setDefault(props, "experimentName", "Default")
	setDefault(props, "isArchived", false)
	setDefault(props, "tags", map[string]any{})
	setDefault(props, "properties", map[string]any{})
	if props["jobType"] == "Command" {
		props["parameters"] = map[string]any{}
	}
	setStatus(c, aml.JobNotStarted)
	c.After("job.start", "start")
	return nil
}

// jobServices adds the addresses of a new job. They end in the workspace's id, which is kept as a reference and so names the workspace as it is.
func jobServices(c *provider.Call, props map[string]any) {
	services := tree.Object(props, "services")
	if services == nil {
		services = map[string]any{}
		props["services"] = services
	}
	region, ws := provider.Region(c.Location()), workspaceID(c)
	for name, address := range map[string]string{
		"Tracking": fmt.Sprintf("azureml://%s.api.azureml.ms/mlflow/v1.0%s", region, ws),
		"Studio":   fmt.Sprintf("https://ml.azure.com/runs/%s?tid=%s&wsid=%s", c.ID.Name(), c.Tenant, ws),
	} {
		setDefault(services, name, object("jobServiceType", name, "port", nil, "status", nil, "errorMessage", nil, "properties", nil, "endpoint", address))
	}
}

// settleJob moves a job on: started, run, its output collected, cancelled. A job that was cancelled meanwhile stays so.
func settleJob(c *provider.Call, cause string) error {
	switch now := status(c); {
	case cause == "start" && now == aml.JobNotStarted:
		setStatus(c, aml.JobRunning)
		c.After("job.run", "run")
	case cause == "run" && now == aml.JobRunning:
		setStatus(c, aml.JobCompleted)
	case cause == "collect" && now == aml.JobFinalizing: // a job that a fixture holds; one that is run here has no output to collect
		setStatus(c, aml.JobCompleted)
	case cause == "cancel" && now == aml.JobCancelRequested:
		setStatus(c, aml.JobCanceled)
	}
	return nil
}

// cancelJob asks a job to end.
func cancelJob(c *provider.Call) (any, error) {
	now := status(c)
	if now.Terminal() {
		return nil, provider.Invalid("UserError", "the job '%s' is in the terminal status '%s' and cannot be cancelled.", c.ID.Name(), now).At(c.ID.String())
	}
	setStatus(c, aml.JobCancelRequested)
	return nil, nil // no body: the job itself tells
}

func deleteJob(c *provider.Call) error {
	if now := status(c); !now.Terminal() {
		return provider.Conflict("UserError", "the job '%s' is in the status '%s': only a job that has ended can be deleted.", c.ID.Name(), now).At(c.ID.String())
	}
	return nil
}

// putSchedule completes a schedule. The cloud keeps schedules and starts no jobs by them.
func putSchedule(c *provider.Call) error {
	props := c.Props()
	setDefault(props, "isEnabled", true)
	setDefault(props, "displayName", c.ID.Name())
	setDefault(props, "tags", map[string]any{})
	setDefault(props, "properties", map[string]any{})
	if cron := tree.Text(props, "trigger.expression"); props["trigger"].(map[string]any)["triggerType"] == "Cron" && len(strings.Fields(cron)) != 5 {
		return provider.Invalid("UserError", "the property 'properties.trigger.expression' must have five fields, not '%s'.", cron).At("properties.trigger.expression")
	}
	return nil
}

func deleteSchedule(c *provider.Call) error {
	if tree.Flag(c.Props(), "isEnabled") {
		return provider.Conflict("UserError", "the schedule '%s' is enabled: disable it before deleting it.", c.ID.Name()).At(c.ID.String())
	}
	return nil
}

// putLabeling makes a labeling project: it runs until it is done, and a paused one is not done (S37).
func putLabeling(c *provider.Call) error {
	props := c.Props()
	setDefault(props, "jobType", "Labeling")
	if c.Old == nil {
		props["projectId"], props["createdTimeUtc"] = provider.NewGUID(), c.Now.Format(time.RFC3339Nano)
		props["progressMetrics"] = object("completedDatapointCount", 0, "incrementalDataLastRefreshDateTime", nil, "skippedDatapointCount", 0, "totalDatapointCount", 0)
		props["statusMessages"] = []any{}
		setStatus(c, aml.JobPreparing)
	}
	return nil
}

func settleLabeling(c *provider.Call, cause string) error {
	if cause == "put" {
		succeed(c)
	}
	switch now := status(c); {
	case cause == "put" && now == aml.JobPreparing, cause == "resume" && now == aml.JobPaused:
		setStatus(c, aml.JobRunning)
		c.After("labeling.run", "run")
	case cause == "run" && now == aml.JobRunning:
		setStatus(c, aml.JobCompleted)
	}
	return nil
}

func pauseLabeling(c *provider.Call) (any, error) {
	if now := status(c); now != aml.JobRunning {
		return nil, provider.Conflict("UserError", "the labeling job '%s' is in the status '%s' and cannot be paused.", c.ID.Name(), now)
	}
	setStatus(c, aml.JobPaused)
	return nil, nil // the answer has no body
}

func resumeLabeling(c *provider.Call) (any, error) {
	if now := status(c); now != aml.JobPaused {
		return nil, provider.Conflict("UserError", "the labeling job '%s' is in the status '%s' and cannot be resumed.", c.ID.Name(), now)
	}
	return nil, nil // the answer has no body
}

func exportLabels(c *provider.Call) (any, error) {
	format := tree.Text(c.Body, "format")
	if format == "" {
		return nil, provider.Invalid("ValidationError", "the property 'format' is required.").At("format")
	}
	return object("exportId", provider.NewGUID(), "format", format, "labelingJobId", c.ID.String(), "startTimeUtc", c.Now.Format(time.RFC3339),
		"endTimeUtc", c.Now.Format(time.RFC3339), "exportedRowCount", 0), nil
}
