package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/rules"
)

func newRules(s streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "rules [ID]", Short: "What is checked before a move, why, and what to do about it", Args: cobra.MaximumNArgs(1),
		Example: "  amlmove rules\n  amlmove rules ML001",
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			if len(args) == 1 {
				return ruleOf(s, args[0], format)
			}
			return ruleTable(s, format)
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	return cmd
}

// ruleView is a rule for machines.
type ruleView struct {
	ID      string   `json:"id"`
	Clauses []string `json:"clauses"`
	Title   string   `json:"title"`
	Why     string   `json:"why"`
	Remedy  string   `json:"remedy"`
	// Confirmable: once somebody has looked, --confirm makes a note of a warning, and a warning of a blocker.
	Confirmable bool `json:"confirmable,omitempty"`
}

func viewOf(r rules.Rule) ruleView {
	return ruleView{r.ID, r.Clauses, r.Title, r.Why, r.Remedy, r.Confirmable}
}

func ruleTable(s streams, format string) error {
	views := []ruleView{}
	for _, r := range rules.Table() {
		views = append(views, viewOf(r))
	}
	if format == "json" {
		return writeJSON(s.out, views)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "RULE\tCHECKS\tSOURCE")
	for _, v := range views {
		sources := strings.Join(v.Clauses, ", ")
		if v.Confirmable {
			sources += " (--confirm " + v.ID + ")"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", v.ID, v.Title, sources)
	}
	return w.Flush()
}

func ruleOf(s streams, id, format string) error {
	r, ok := rules.Find(strings.ToUpper(id))
	if !ok {
		return errs.New(errs.NotFound, "RuleNotFound", "there is no rule %s", id).Advise("amlmove rules lists them")
	}
	if format == "json" {
		return writeJSON(s.out, viewOf(r))
	}
	_, err := fmt.Fprintf(s.out, "%s  %s\n\nwhy      %s\nremedy   %s\nsource   %s\n", r.ID, r.Title, r.Why, r.Remedy, strings.Join(r.Clauses, ", "))
	if err == nil && r.Confirmable {
		_, err = fmt.Fprintf(s.out, "confirm  ARM does not show this: once somebody has looked, --confirm %s makes a note of a warning, and a warning of a blocker\n", r.ID)
	}
	return err
}
