package plan

import (
	"math"
	"time"
)

// durations are how long the actions typically take at Azure (peers, section 5; where nothing was published, our estimate).
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

// ARM's budget of writes for one principal in one subscription (peers, section 5): so many at once, then so many a second. Changes of role assignments have a rate of their own.
const (
	writesAtOnce, writesPerSecond = 200, 10
	rolesPerSecond                = 2
	readsPerPage                  = 30 // documents in a page, about: jobs and assets come in small ones
)

// typical is how long a step takes, by its action and by how many writes it needs within ARM's budget.
func typical(s Step) Duration {
	takes := durations[s.Action]
	if s.Writes > writesAtOnce {
		takes += time.Duration(float64(s.Writes-writesAtOnce) / writesPerSecond * float64(time.Second))
	}
	return Duration(takes)
}

// finish computes, for every step, when it ends if each takes as long as it typically does and begins as early as it may.
func (p *Plan) finish() map[string]time.Duration {
	ends := map[string]time.Duration{}
	for _, s := range p.Steps { // what a step comes after stands before it
		begin := time.Duration(0)
		for _, id := range s.After {
			begin = max(begin, ends[id])
		}
		ends[s.ID] = begin + time.Duration(s.Takes)
	}
	return ends
}

// takes is how long the whole plan takes: its longest path, and no less than ARM's budget allows.
func (p *Plan) takes() Duration {
	longest := time.Duration(0)
	for _, end := range p.finish() {
		longest = max(longest, end)
	}
	roles := 0
	for _, s := range p.Steps {
		if s.Action == RestoreRole {
			roles++
		}
	}
	budget := math.Max(float64(p.Requests["writes"]-writesAtOnce)/writesPerSecond, float64(roles)/rolesPerSecond)
	return Duration(max(longest, time.Duration(budget*float64(time.Second))).Round(time.Second))
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
	return map[string]int{"writes": writes, "reads": 2*(150+documents/readsPerPage) + 3*len(p.Steps)}
}

// windows are the times in which something is not there.
func (p *Plan) windows() []Window {
	ends := p.finish()
	begins := func(s Step) time.Duration { return ends[s.ID] - time.Duration(s.Takes) }
	var windows []Window
	if move, ok := p.Find(p.NoReturn); ok {
		windows = append(windows, Window{What: p.Workspace, From: move.ID, To: move.ID, Takes: move.Takes})
	}
	for _, s := range p.Steps {
		backs := []string{RestoreTraffic, RestoreEndpoint}
		if s.Action == RemoveCompute {
			backs = []string{RestoreCompute}
		} else if s.Action != RemoveEndpoint {
			continue
		}
		if back, ok := p.first(s.Subject, backs); ok {
			windows = append(windows, Window{What: s.Subject, From: s.ID, To: back.ID, Takes: Duration(ends[back.ID] - begins(s))})
		}
	}
	return windows
}

// first finds the step on a subject with the first of the actions that there is.
func (p *Plan) first(subject string, actions []string) (Step, bool) {
	for _, action := range actions {
		for _, s := range p.Steps {
			if s.Action == action && s.Subject == subject {
				return s, true
			}
		}
	}
	return Step{}, false
}
