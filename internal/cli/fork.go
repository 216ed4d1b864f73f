package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/errs"
)

func newCloudFork(s streams) *cobra.Command {
	var data, output string
	var drop bool
	cmd := &cobra.Command{
		Use: "fork [NAME]", Short: "Give the state of the cloud a name, or list the names", Args: cobra.MaximumNArgs(1),
		Long: `Give the state of the cloud a name: resources, operations, clock, faults and settings. It takes the same time whatever the cloud holds. While there is a
name, a row that is changed is kept as it was, so that amlmove cloud rewind can go back.`,
		Example: "  amlmove cloud fork before-the-move\n  amlmove cloud fork\n  amlmove cloud fork before-the-move --drop",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(output); err != nil {
				return err
			}
			ctx := cmd.Context()
			switch {
			case len(args) == 0 && drop:
				return errs.New(errs.Invalid, "ForkNameInvalid", "--drop needs the name of a fork")
			case len(args) == 1 && drop:
				if _, err := askCloud(ctx, data, http.MethodDelete, "forks/"+url.PathEscape(args[0]), nil); err != nil {
					return err
				}
			case len(args) == 1:
				if _, err := askCloud(ctx, data, http.MethodPost, "forks", map[string]string{"name": args[0]}); err != nil {
					return err
				}
			}
			return listForks(ctx, s, data, output)
		},
	}
	cmd.Flags().StringVar(&data, "data", defaultData, "data `folder`")
	cmd.Flags().BoolVar(&drop, "drop", false, "forget the name; the cloud stays as it is")
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return cmd
}

func newCloudRewind(s streams) *cobra.Command {
	var data, output string
	cmd := &cobra.Command{
		Use: "rewind NAME", Short: "Bring the cloud back to a named state", Args: cobra.ExactArgs(1),
		Long: `Bring the whole cloud back to a state that amlmove cloud fork named, as often as you like. It takes as long as there are things that were changed since. Names
that were given after it are gone, and time goes back as well: whatever ran then runs again.`,
		Example: "  amlmove cloud rewind before-the-move",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(output); err != nil {
				return err
			}
			if _, err := askCloud(cmd.Context(), data, http.MethodPost, "rewind", map[string]string{"name": args[0]}); err != nil {
				return err
			}
			return listForks(cmd.Context(), s, data, output)
		},
	}
	cmd.Flags().StringVar(&data, "data", defaultData, "data `folder`")
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return cmd
}

// askCloud sends a request to the API below /_cloud/ of the cloud of a data folder, as its owner.
func askCloud(ctx context.Context, data, method, path string, body any) (json.RawMessage, error) {
	client, err := connect(ctx, data)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(ctx, method, "/_cloud/"+path, "", body)
	return answer.Body, err
}

// listForks prints the named states.
func listForks(ctx context.Context, s streams, data, output string) error {
	body, err := askCloud(ctx, data, http.MethodGet, "forks", nil)
	if err != nil {
		return err
	}
	var list struct {
		Forks []struct {
			Name string    `json:"name"`
			Made time.Time `json:"made"`
		} `json:"forks"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return errs.Wrap(errs.Unavailable, "AnswerDamaged", err, "read the forks of the cloud of %s", data)
	}
	if output == "json" {
		return writeJSON(s.out, list.Forks)
	}
	if len(list.Forks) == 0 {
		_, err := fmt.Fprintln(s.out, "no state of this cloud has a name")
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, f := range list.Forks {
		_, _ = fmt.Fprintf(w, "%s\t%s\n", f.Name, f.Made.Format(time.RFC3339)) // Flush tells
	}
	return w.Flush()
}
