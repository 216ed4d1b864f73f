package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/errs"
)

func newCloudAPI(s streams) *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "api METHOD PATH [JSON]", Short: "Ask the cloud's own API: clock, faults, throttling, settings", Args: cobra.RangeArgs(2, 3),
		Long: `Send a request to the API below /_cloud/ of the cloud of a data folder, as its owner, and print the answer. JSON is the body; "-" reads it from the input.
docs/cloud-api.md describes the API.`,
		Example: `  amlmove cloud api GET status
  amlmove cloud api POST clock '{"freeze":true,"durations":"typical"}'
  amlmove cloud api POST clock '{"advance":"4h"}' && amlmove cloud api POST clock/drain
  amlmove cloud api POST faults '{"kind":"halfMoved","n":1,"match":{"times":1}}'
  amlmove cloud api PATCH throttle '{"mode":"enforce"}'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return callCloud(cmd.Context(), s, data, args)
		},
	}
	cmd.Flags().StringVar(&data, "data", defaultData, "data `folder`")
	return cmd
}

// callCloud sends what was typed, and prints the answer.
func callCloud(ctx context.Context, s streams, data string, args []string) error {
	method := strings.ToUpper(args[0])
	if methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}; !slices.Contains(methods, method) {
		return errs.New(errs.Invalid, "InvalidMethod", "%q is none of the methods %s", args[0], strings.Join(methods, ", "))
	}
	var body any
	if len(args) == 3 {
		text := []byte(args[2])
		if args[2] == "-" {
			read, err := io.ReadAll(s.in)
			if err != nil {
				return err
			}
			text = read
		}
		if !json.Valid(text) {
			return errs.New(errs.Invalid, "InvalidJSON", "the body is no JSON: %.200s", text)
		}
		body = json.RawMessage(text)
	}
	answer, err := askCloud(ctx, data, method, strings.TrimPrefix(strings.TrimPrefix(args[1], "/"), "_cloud/"), body)
	if err != nil || len(bytes.TrimSpace(answer)) == 0 {
		return err
	}
	var shown bytes.Buffer
	if err := json.Indent(&shown, answer, "", "  "); err != nil {
		return errs.Wrap(errs.Unavailable, "AnswerDamaged", err, "read the answer of the cloud of %s", data)
	}
	_, err = fmt.Fprintln(s.out, shown.String())
	return err
}
