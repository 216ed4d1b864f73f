package plan

import (
	"slices"
	"time"
)

// durations are how long the actions typically take at Azure: published figures (peers, section 5), or our estimate, as in the cloud's table of typical durations.
var durations = map[string]time.Duration{
	RegisterProvider: time.Minute, CreateGroup: 2 * time.Second, SaveSecrets: time.Second,
	DisableSchedule: 5 * time.Second, EndJob: time.Minute, LiftLock: 2 * time.Second,
	ProveRestorable: 20 * time.Second, RemoveEndpoint: 5 * time.Minute, RemoveService: time.Minute, RemoveCompute: 3 * time.Minute,
	ValidateMove: 3 * time.Minute, MoveResources: 10 * time.Minute,
	RestoreDatastore: 2 * time.Second, RestoreConnection: 2 * time.Second, RestoreOutboundRule: time.Minute, RestoreRole: 2 * time.Second, RestoreLock: 2 * time.Second,
	RestoreDiagnostics: 5 * time.Second, RestoreAlert: 5 * time.Second, RestorePrivateEndpoint: 2 * time.Minute, RestoreData: time.Second,
	RestoreCompute: 3 * time.Minute, RestoreEndpoint: 2 * time.Minute, RestoreDeployment: 15 * time.Minute, RestoreTraffic: 30 * time.Second,
	RestoreSchedule: 5 * time.Second, RestoreImageBuild: 10 * time.Second, ResyncKeys: 30 * time.Second, Diagnose: 30 * time.Second, Compare: 20 * time.Second,
}

const (
	// batchEndpointTakes is how long a batch endpoint takes to make: it has no machines of its own.
	batchEndpointTakes = Duration(30 * time.Second)
	// jobTakes is how long a job that runs still needs.
	jobTakes = 30 * time.Minute
	// endingTakes is how long a job still needs that is about to end.
	endingTakes = Duration(2 * time.Minute)
	// hands are how many steps a run does side by side.
	hands = 12
)

// ARM's budget for one principal in one subscription (peers, section 5): so many requests at once, then so many a second. Changes of role assignments and locks have a rate of their own (pain 18).
const (
	writesAtOnce, writesPerSecond = 200, 10
	readsAtOnce, readsPerSecond   = 250, 25
	rightsPerSecond               = 2
)

// What reading costs, in requests.
const (
	readsPerCapture = 150 // lists and surroundings, whatever the workspace holds
	perPage         = 30  // documents in a page, about
	captures        = 4   // when the run begins, before anything is removed, before the move, and at the end
	readsPerStep    = 3   // is it done? may it start? is it done now?
)

// paced is how long so many requests take within a budget.
func paced(requests, atOnce, perSecond int) time.Duration {
	return time.Duration(max(0, requests-atOnce)) * time.Second / time.Duration(perSecond)
}

// typical is how long a step takes, by its action and by how many writes it needs within ARM's budget.
func typical(s Step) Duration {
	takes := durations[s.Action]
	if job, ok := s.Detail.(JobDetail); ok && s.Action == EndJob && !job.Cancel {
		takes = min(jobTakes, time.Duration(job.Limit))
	}
	return Duration(takes + paced(s.Writes, writesAtOnce, writesPerSecond))
}

// span is when a step begins and ends.
type span struct{ begin, end time.Duration }

// spans computes when each step begins and ends, if each takes as long as it typically does and begins as soon as what it comes after has ended and a hand is free.
func (p *Plan) spans() map[string]span {
	at := make(map[string]span, len(p.Steps))
	free := make([]time.Duration, hands)
	for _, s := range p.Steps { // what a step comes after stands before it
		ready := time.Duration(0)
		for _, id := range s.After {
			ready = max(ready, at[id].end)
		}
		hand := 0 // the one that waits the least: free last among those that are free then, else free first
		for i, when := range free {
			if when <= ready && (free[hand] > ready || when > free[hand]) || when > ready && free[hand] > when {
				hand = i
			}
		}
		begin := max(ready, free[hand])
		free[hand] = begin + time.Duration(s.Takes)
		at[s.ID] = span{begin, free[hand]}
	}
	return at
}

// takes is how long the whole plan takes: until its last step has ended, and no less than ARM's budget allows.
func (p *Plan) takes() Duration {
	longest := time.Duration(0)
	for _, s := range p.spans() {
		longest = max(longest, s.end)
	}
	rights := 0
	for _, s := range p.Steps {
		if slices.Contains([]string{RestoreRole, LiftLock, RestoreLock}, s.Action) {
			rights += s.Writes
		}
	}
	budget := max(paced(p.Requests["writes"], writesAtOnce, writesPerSecond), paced(p.Requests["reads"], readsAtOnce, readsPerSecond), paced(rights, 0, rightsPerSecond))
	return Duration(max(longest, budget).Round(time.Second))
}

// requests estimates what the plan asks of ARM.
func (p *Plan) requests() map[string]int {
	writes, documents := 0, 0
	for _, s := range p.Steps {
		writes += s.Writes
	}
	for _, n := range p.Counts {
		documents += n
	}
	return map[string]int{"writes": writes, "reads": captures*(readsPerCapture+documents/perPage) + readsPerStep*len(p.Steps) + 2*p.Counts["data"]}
}

// ends says with which step something that a step takes away is there again: with the first of the actions that is planned for it.
var ends = map[string][]string{RemoveEndpoint: {RestoreTraffic, RestoreEndpoint}, RemoveCompute: {RestoreCompute}}

// windows are the times in which something is not there. The workspace is there again as soon as the move itself has ended.
func (p *Plan) windows() []Window {
	windows := []Window{}
	at, about := p.spans(), p.subjects()
	if move, ok := p.Find(p.NoReturn); ok {
		windows = append(windows, Window{What: p.Workspace, From: move.ID, To: move.ID, Takes: move.Takes})
	}
	for _, s := range p.Steps {
		for _, action := range ends[s.Action] {
			if back, ok := about[subjectKey(action, s.Subject)]; ok {
				windows = append(windows, Window{What: s.Subject, From: s.ID, To: back, Takes: Duration(at[back].end - at[s.ID].begin)})
				break
			}
		}
	}
	return windows
}

// subjects finds the step of an action on a subject.
func (p *Plan) subjects() map[string]string {
	about := make(map[string]string, len(p.Steps))
	for _, s := range p.Steps {
		about[subjectKey(s.Action, s.Subject)] = s.ID
	}
	return about
}
