package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime/debug"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// captureOptions are the flags of `capture`.
type captureOptions struct {
	output, format, endpoint    string
	targetSubscription, toGroup string
	force                       bool
}

func newCapture(s streams) *cobra.Command {
	o := captureOptions{}
	cmd := &cobra.Command{
		Use:   "capture WORKSPACE",
		Short: "Write a workspace and what surrounds it into one file; nothing is changed",
		Long: `Read a workspace with everything in it, and everything around it at both ends that a move may break, need or lose, into one snapshot file.
WORKSPACE is its resource id, or its name when no other workspace in reach has the same one. Only GET requests are sent, below ARM's limits; no secret is asked for.
What may not be read is written down as a gap, with the reason why it matters.

Exit codes: 0 everything was read, 2 there are gaps, 1 error.`,
		Example: `  amlmove capture contoso-ml -o w.snap --to-subscription 11111111-aaaa-4aaa-8aaa-000000000002 --to-group ml-prod-rg
  amlmove capture contoso-ml --endpoint .amlmove/cloud/cloud.json --to-group other-rg
  amlmove capture /subscriptions/S/resourceGroups/G/providers/Microsoft.MachineLearningServices/workspaces/W --format json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runCapture(cmd.Context(), s, o, args[0]) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "", "snapshot `file`; WORKSPACE.snap if not named")
	f.StringVar(&o.format, "format", "table", "form of the result: table or json")
	f.StringVar(&o.targetSubscription, "to-subscription", "", "`id` of the subscription where the workspace shall go")
	f.StringVar(&o.toGroup, "to-group", "", "`name` or id of the resource group where it shall go")
	f.StringVar(&o.endpoint, "endpoint", "", "`cloud.json` of a running cloud, or a URL; default: AMLMOVE_ENDPOINT, else Azure")
	f.BoolVar(&o.force, "force", false, "replace a snapshot file that is there already")
	return cmd
}

// runCapture captures, shows progress and prints the result.
func runCapture(ctx context.Context, s streams, o captureOptions, workspace string) error {
	if err := checkFormat(o.format); err != nil {
		return err
	}
	client, err := connect(ctx, o.endpoint)
	if err != nil {
		return err
	}
	id, err := capture.Find(ctx, client, workspace)
	if err != nil {
		return err
	}
	target, err := targetOf(o, id)
	if err != nil {
		return err
	}
	path := cmp.Or(o.output, id.Name()+".snap")
	writer, err := snapshot.Create(ctx, path, o.force)
	if err != nil {
		return err
	}
	progress := &capture.Progress{}
	stop := follow(s.err, client, progress)
	_, err = capture.Run(ctx, capture.Options{Client: client, Workspace: id, Target: target, Tool: toolVersion(), Progress: progress}, writer)
	stop()
	if err != nil {
		return err
	}
	return describeSnapshot(ctx, s, path, o.format)
}

// groupName is what the name of a resource group may be: 1 to 90 letters, digits, and -_.(), no point at the end.
var groupName = regexp.MustCompile(`^[-\p{L}\p{N}_.()]{0,89}[-\p{L}\p{N}_()]$`)

// targetOf reads where the workspace shall go; nil when nothing was said.
func targetOf(o captureOptions, workspace arm.ID) (arm.ID, error) {
	id, err := aimOf(o, workspace)
	if name := id.Group(); err == nil && name != "" && !groupName.MatchString(name) {
		return nil, errs.New(errs.Invalid, "InvalidTarget", "%q is no name of a resource group", name).Advise("it has 1 to 90 letters, digits and -_.(), and no point at its end")
	}
	return id, err
}

func aimOf(o captureOptions, workspace arm.ID) (arm.ID, error) {
	switch {
	case strings.HasPrefix(o.toGroup, "/"):
		id, err := arm.Parse(o.toGroup)
		if err == nil && (len(id) != 2 || id.Group() == "") {
			err = errs.New(errs.Invalid, "InvalidTarget", "%s is not the id of a resource group", o.toGroup)
		}
		if err == nil && o.targetSubscription != "" && !strings.EqualFold(o.targetSubscription, id.Subscription()) {
			err = errs.New(errs.Invalid, "InvalidTarget", "--to-subscription is %s, and --to-group names a group of the subscription %s", o.targetSubscription, id.Subscription()).Advise("leave --to-subscription out, or name the group by its name alone")
		}
		return id, err
	case o.toGroup == "" && o.targetSubscription == "":
		return nil, nil
	case strings.Contains(o.toGroup+o.targetSubscription, "/"):
		return nil, errs.New(errs.Invalid, "InvalidTarget", "--to-subscription takes an id without slashes, and --to-group a name or a full resource id")
	}
	id := arm.ID{{Type: arm.Subscriptions, Name: cmp.Or(o.targetSubscription, workspace.Subscription())}}
	if o.toGroup != "" {
		id = id.Child(arm.Hop{Type: arm.ResourceGroups, Name: o.toGroup})
	}
	return id, nil
}

// checkFormat refuses a form of results that does not exist.
func checkFormat(format string) error {
	if format != "table" && format != "json" {
		return errs.New(errs.Invalid, "InvalidFormat", "results are written as table or json, not as %q", format)
	}
	return nil
}

// Pace of progress: on a terminal one line is written again and again, elsewhere a line now and then.
const (
	paceTerminal = 200 * time.Millisecond
	paceLog      = 5 * time.Second
)

// follow shows progress until the returned function is called.
func follow(to io.Writer, c *azure.Client, p *capture.Progress) func() {
	terminal := isTerminal(to)
	pace, begin, end := paceLog, "", "\n"
	if terminal {
		pace, begin, end = paceTerminal, "\r", "\x1b[K"
	}
	began, done, ended := time.Now(), make(chan struct{}), make(chan struct{})
	say := func() {
		n, seconds, usage := p.Documents.Load(), time.Since(began).Seconds(), c.Usage()
		throttled := ""
		if usage.Throttled > 0 {
			throttled = fmt.Sprintf(", %d throttled", usage.Throttled)
		}
		_, _ = fmt.Fprintf(to, "%s%d documents, %d requests%s, %.1f MB, %d gaps, %.0f documents/s%s", begin, n, usage.Requests, throttled,
			float64(p.Bytes.Load())/1e6, p.Gaps.Load(), float64(n)/max(seconds, 0.001), end)
	}
	go func() {
		defer close(ended)
		ticker := time.NewTicker(pace)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				say()
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		say()
		if terminal {
			_, _ = fmt.Fprintln(to)
		}
	}
}

// isTerminal reports whether a person looks at a stream.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// toolVersion is the version of this program.
func toolVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// result is what a snapshot is, in short.
type result struct {
	File   string           `json:"file"`
	Header snapshot.Header  `json:"header"`
	Counts []snapshot.Count `json:"counts"`
	Gaps   []snapshot.Gap   `json:"gaps"`
	Notes  []snapshot.Note  `json:"notes"`
}

// describeSnapshot prints what is in a snapshot; gaps are warnings.
func describeSnapshot(ctx context.Context, s streams, path, format string) (err error) {
	snap, err := snapshot.Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { _ = snap.Close() }() // only read
	r := result{File: path, Header: snap.Header, Gaps: []snapshot.Gap{}, Notes: []snapshot.Note{}}
	if r.Counts, err = snap.Counts(ctx); err != nil {
		return err
	}
	gaps, err := snap.Gaps(ctx)
	if err != nil {
		return err
	}
	notes, err := snap.Notes(ctx)
	if err != nil {
		return err
	}
	r.Gaps, r.Notes = append(r.Gaps, gaps...), append(r.Notes, notes...)
	if format == "json" {
		err = writeJSON(s.out, r)
	} else {
		err = r.table(s.out)
	}
	if err == nil && len(gaps) > 0 {
		return exitStatus(exitWarnings)
	}
	return err
}

// writeJSON prints a result for machines.
func writeJSON(to io.Writer, value any) error {
	enc := json.NewEncoder(to)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(value)
}

// table prints a result for people.
func (r result) table(to io.Writer) error {
	h := r.Header
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", printable(args)...) } // Flush tells
	line("snapshot\t%s", r.File)
	line("workspace\t%s", h.WorkspaceID)
	line("target\t%s", cmp.Or(h.TargetID, "(none named)"))
	line("endpoint\t%s", h.Endpoint)
	line("read by\t%s", cmp.Or(h.Who, h.ObjectID))
	line("taken\t%s, in %s", h.Begun.Format(time.RFC3339), h.Ended.Sub(h.Begun).Round(time.Millisecond))
	line("documents\t%d, digest %s", h.Documents, h.Digest)
	for _, c := range r.Counts {
		line("  %s\t%d %s", c.Section, c.Count, c.Type)
	}
	line("gaps\t%d", len(r.Gaps))
	for _, gap := range r.Gaps {
		line("  %d %s\t%s: %s", gap.Status, gap.Code, gap.Path, gap.Why)
	}
	line("notes\t%d", len(r.Notes))
	for _, note := range r.Notes {
		line("  %s\t%s: %s", note.Code, note.Subject, note.Text)
	}
	return w.Flush()
}

// writeLine prints one result as a line of JSON.
func writeLine(to io.Writer, value any) error {
	enc := json.NewEncoder(to)
	enc.SetEscapeHTML(false)
	return enc.Encode(value)
}
