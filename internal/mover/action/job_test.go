package action

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/plan"
)

// activeJobs are the jobs of a world that had not ended, one for each status.
func (w *world) activeJobs() map[aml.JobStatus]facts.Item {
	jobs := map[aml.JobStatus]facts.Item{}
	for _, job := range w.facts.Content("jobs") {
		if s := status(job.Doc); !s.Terminal() {
			jobs[s] = job
		}
	}
	return jobs
}

func TestEveryJobThatHasNotEndedIsCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	n := 0
	for s, job := range w.activeJobs() {
		if s == aml.JobCancelRequested || s == aml.JobFinalizing {
			continue
		}
		n++
		w.want(t, w.task(plan.EndJob, job.Key, plan.JobDetail{Cancel: true, Limit: plan.Duration(time.Minute)}))
		if now := status(w.get(t, job.Key)); now != aml.JobCanceled {
			t.Errorf("S28 a job that was %s is now %s", s, now)
		}
		if n := w.journal.sent(http.MethodPost, job.Name()+"/cancel"); n != 1 {
			t.Errorf("S28 a job that was %s was cancelled %d times", s, n)
		}
	}
	if n < 8 {
		t.Fatalf("only %d states of jobs were seen", n)
	}
}

// A job that collects its output, if only since the plan was made, is waited for as well: to cancel it could lose that (aml-contract 5).
func TestAJobIsWaitedForAndItsStateIsTold(t *testing.T) {
	t.Parallel()
	for _, is := range []aml.JobStatus{aml.JobCancelRequested, aml.JobFinalizing} {
		t.Run(string(is), func(t *testing.T) {
			t.Parallel()
			jobIsWaitedFor(t, is)
		})
	}
}

func jobIsWaitedFor(t *testing.T, is aml.JobStatus) {
	t.Helper()
	w := newWorld(t, "contoso")
	job := w.activeJobs()[is]
	var mutex sync.Mutex
	said := ""
	w.Tell = func(p Progress) {
		mutex.Lock()
		defer mutex.Unlock()
		if said == "" { // time goes on once it was seen waiting
			w.ask(t, http.MethodPost, "/_cloud/clock", `{"advance":"1h"}`)
		}
		said += p.Text + "\n"
	}
	w.want(t, w.task(plan.EndJob, job.Key, plan.JobDetail{Cancel: true, Limit: plan.Duration(3 * time.Hour)}))
	if !strings.Contains(said, string(is)) {
		t.Errorf("S28 while it waited it said %q", said)
	}
	if w.journal.writes() != 0 {
		t.Errorf("S28 a job that is %s was cancelled", is)
	}
}

func TestWhatKeepsAJobFromEndingIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	for s, job := range w.activeJobs() {
		task := w.task(plan.EndJob, job.Key, plan.JobDetail{Limit: plan.Duration(time.Nanosecond)})
		w.done(t, task, false)
		err := w.find(t, task).Do(t.Context(), task)
		if e := errs.As(err); e == nil || e.Code != "JobStillRuns" || !strings.Contains(e.Message, string(s)) || !strings.Contains(e.Message, job.Name()) {
			t.Errorf("S28 a job that is %s: %v", s, err)
		}
	}
	if w.journal.writes() != 0 {
		t.Error("S28 something was sent although nobody asked to cancel")
	}

	w.fault(t, `{"kind":"status","status":409,"code":"Busy","message":"not now","match":{"path":"**/cancel","times":1}}`)
	job := w.activeJobs()[aml.JobRunning]
	task := w.task(plan.EndJob, job.Key, plan.JobDetail{Cancel: true, Limit: plan.Duration(time.Hour)})
	err := w.find(t, task).Do(t.Context(), task)
	if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), job.Name()) || !strings.Contains(err.Error(), "Running") || !strings.Contains(err.Error(), "not now") {
		t.Errorf("S28 a cancel that is refused: %v", err)
	}

	var once sync.Once
	w.hear(t, func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/cancel") { // somebody else is faster
			once.Do(func() { w.ask(t, http.MethodPost, job.Key+"/cancel", map[string]any{}) })
		}
	})
	if err := w.find(t, task).Do(t.Context(), task); err != nil {
		t.Errorf("S28 a cancel that comes too late: %v", err)
	}
	w.done(t, task, true)
}
