package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/rules"
)

// choiceFlags adds the decisions of a move to a command. They become part of the plan.
func choiceFlags(f *pflag.FlagSet, c *rules.Choices) {
	f.StringSliceVar(&c.Include, "include", nil, "associated resources that move along: all, or `names` of "+strings.Join(facts.Includable(), ", ")+". Default none: they keep their ids, and whoever else uses them notices nothing")
	f.StringVar(&c.Drain, "jobs", rules.Wait, "running jobs: `wait` for their end, or cancel them")
	f.StringVar(&c.DrainLimit, "jobs-limit", "", "how long jobs are waited for, as `30m`; default 2h")
	f.BoolVar(&c.NoQuiesce, "no-quiesce", false, "take computes and endpoints for blockers instead of removing them and making them again")
	f.BoolVar(&c.AcceptInstanceLoss, "accept-instance-loss", false, "the disks of compute instances may be lost (files on the file share are not on them)")
	f.BoolVar(&c.LiftLocks, "lift-locks", false, "lift locks that stop the move, and put them back")
	f.BoolVar(&c.ApproveEndpoints, "approve-endpoints", false, "approve the private endpoint connections that the service makes anew")
	f.BoolVar(&c.RemoveServices, "remove-services", false, "remove web services of the v1 API, which cannot be made again")
	f.StringSliceVar(&c.Confirmed, "confirm", nil, "`rules` about what ARM does not show, as ML082, into which somebody has looked")
	f.BoolVar(&c.Force, "force", false, "remove endpoints although they are being invoked")
}

// checkChoices refuses choices that do not exist.
func checkChoices(c rules.Choices) error {
	if c.Drain != rules.Wait && c.Drain != rules.Cancel {
		return errs.New(errs.Invalid, "InvalidChoice", "--jobs is wait or cancel, not %q", c.Drain)
	}
	if c.DrainLimit != "" {
		if limit, err := time.ParseDuration(c.DrainLimit); err != nil || limit <= 0 {
			return errs.New(errs.Invalid, "InvalidChoice", "--jobs-limit is a time such as 90s, 30m or 2h, not %q", c.DrainLimit)
		}
	}
	for i, id := range c.Confirmed {
		rule, ok := rules.Find(strings.ToUpper(id))
		if !ok || !rule.Confirmable {
			return errs.New(errs.Invalid, "InvalidChoice", "--confirm knows no rule %q that can be confirmed", id).Advise("amlmove rules lists them")
		}
		c.Confirmed[i] = rule.ID
	}
	known := append(facts.Includable(), "all", "none")
	for _, name := range c.Include {
		if !slices.Contains(known, name) {
			return errs.New(errs.Invalid, "InvalidChoice", "--include knows no %q", name).Advise("it takes %s", strings.Join(known, ", "))
		}
	}
	return nil
}
