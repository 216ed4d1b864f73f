package rules

import (
	"slices"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/facts"
)

// jobRules are about what must have come to an end.
func jobRules() []Rule {
	return []Rule{
		{ID: "ML080", Clauses: []string{"S22", "S28", "pain 32"}, Title: "No job is running",
			Why:    "All experiment jobs must have completed. Only Completed, Failed and Canceled are ends; a status that nobody knows is none.",
			Remedy: "the plan waits for the job, or cancels it (--jobs cancel), with a time limit", Judge: jobs},
		{ID: "ML081", Clauses: []string{"S22", "S28", "S37", "pain 32", "pain 33"}, Title: "No labeling project is running",
			Why:    "Azure does not move a workspace with a running labeling project. A paused one is not completed.",
			Remedy: "complete or cancel the project in the studio; its labels can be exported first", Judge: labeling},
		{ID: "ML082", Clauses: []string{"S28", "aml-contract 5"}, Title: "No run of the v1 API and no data profiling job is under way", Confirmable: true,
			Why:    "Runs of the v1 API and data profiling jobs show up only in the run history, not in the management API: their absence cannot be proved from here.",
			Remedy: "look under Jobs in the studio that nothing runs, and say --confirm ML082", Judge: profiling},
		{ID: "ML083", Clauses: []string{"pain 32", "aml-contract 3"}, Title: "No schedule starts jobs during the move",
			Why:    "An enabled schedule starts a job at any moment. Its earlier state is what it gets back.",
			Remedy: "the plan disables the schedule and enables it again after the move", Judge: schedules},
	}
}

// remarks say what is special about a status.
var remarks = map[aml.JobStatus]string{
	aml.JobFinalizing:      "it is collecting its output; cancelling it now could lose that, so it is waited for",
	aml.JobCancelRequested: "its cancellation is under way and is waited for",
	aml.JobNotResponding:   "its heartbeats are missing; it may come back to any earlier status, so waiting may not end: cancel it",
	aml.JobPaused:          "it is paused, which is no end: resume or cancel it",
	aml.JobUnknown:         "the service does not know its status, which is never taken for an end: cancel it",
}

func jobs(c *Case) []Finding {
	var list []Finding
	for _, item := range c.Content("jobs") {
		status := aml.JobStatusOf(item.Doc.Text("properties.status"))
		if status.Terminal() || isProject(item) {
			continue
		}
		how := "is waited for"
		if c.Drain == Cancel && status.Cancelable() {
			how = "is cancelled"
		}
		f := found(Note, Plan, item.ID, "the job %s is %s and %s", item.Name(), status, how)
		if remark, special := remarks[status]; special {
			f = f.seen("%s", remark)
		}
		list = append(list, f)
	}
	return list
}

// isProject reports whether a job is a labeling project, which is nobody's to end but its owner's.
func isProject(job facts.Item) bool { return aml.IsLabeling(job.Doc.Text("properties.jobType")) }

func labeling(c *Case) []Finding {
	var list []Finding
	projects := slices.DeleteFunc(slices.Clone(c.Content("jobs")), func(i facts.Item) bool { return !isProject(i) })
	for _, item := range append(projects, c.Content("labelingJobs")...) {
		status := aml.JobStatusOf(item.Doc.Text("properties.status"))
		if status.Terminal() {
			continue
		}
		f := found(Blocker, Person, item.ID, "the labeling project %s is %s", item.Name(), status)
		done, has := item.Doc.Number("properties.progressMetrics.completedDatapointCount")
		if total, known := item.Doc.Number("properties.progressMetrics.totalDatapointCount"); has && known {
			f = f.seen("%.0f of %.0f are labeled", done, total)
		}
		list = append(list, f)
	}
	return list
}

func profiling(c *Case) []Finding {
	return []Finding{found(Warning, Person, c.Workspace.ID, "whether a run of the v1 API or a data profiling job is under way is not shown by ARM")}
}

func schedules(c *Case) []Finding {
	var list []Finding
	for _, item := range c.Content("schedules") {
		if aml.Enabled(item.Doc) {
			list = append(list, found(Note, Plan, item.ID, "the schedule %s is disabled for the move and enabled again", item.Name()).seen("properties.isEnabled"))
		}
	}
	return list
}
