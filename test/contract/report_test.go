package contract

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/coverage.txt and docs/coverage.md")

// Where the report is kept.
const (
	goldenFile = "testdata/coverage.txt"
	pageFile   = "../../docs/coverage.md"
)

// states of an operation, in the order of the report's summary.
const (
	built    = "built"
	partly   = "partly" // some examples are built
	unbuilt  = "not built"
	excepted = "exempt"
)

// verdict is what came of one operation.
type verdict struct {
	op         *operation
	state      string
	reason     string
	examples   int
	violations []string
}

// judgeOperations joins the results of a service by operation, in the order of their names.
func judgeOperations(results []result) []verdict {
	byOperation := map[*operation][]result{}
	var operations []*operation
	for _, res := range results {
		if byOperation[res.op] == nil {
			operations = append(operations, res.op)
		}
		byOperation[res.op] = append(byOperation[res.op], res)
	}
	sort.SliceStable(operations, func(i, j int) bool { return operations[i].id < operations[j].id })
	var verdicts []verdict
	for _, op := range operations {
		verdicts = append(verdicts, judgeOperation(op, byOperation[op]))
	}
	return verdicts
}

func judgeOperation(op *operation, results []result) verdict {
	v := verdict{op: op, state: built, examples: len(results)}
	missing := 0
	for _, res := range results {
		if res.notBuilt != "" {
			missing++
			v.reason = res.notBuilt
		}
		for _, line := range res.violations {
			v.violations = append(v.violations, res.file+": "+line)
		}
	}
	switch {
	case exemptOperation(op) != "":
		v.state, v.reason, v.violations = excepted, exemptOperation(op), nil
	case missing == len(results):
		v.state = unbuilt
	case missing > 0:
		v.state = partly
	}
	return v
}

// report writes what came of a service.
func report(b *strings.Builder, s *service, verdicts []verdict, results []result) {
	count := map[string]int{}
	examples, violations := 0, 0
	for _, v := range verdicts {
		count[v.state]++
		examples += v.examples
		violations += len(v.violations)
	}
	fmt.Fprintf(b, "## %s %s\n\n%d operations: %d built, %d partly, %d not built, %d exempt; %d examples, %d violations\n\n", s.name, s.version, len(verdicts),
		count[built], count[partly], count[unbuilt], count[excepted], examples, violations)
	for _, v := range verdicts {
		line := fmt.Sprintf("%-9s  %-6s %s", v.state, v.op.method, v.op.id)
		if v.reason != "" {
			line += ": " + v.reason
		}
		fmt.Fprintln(b, line)
		for _, violation := range v.violations {
			fmt.Fprintf(b, "           !! %s\n", violation)
		}
	}
	notes := map[string][]string{}
	for _, res := range results {
		for _, fix := range res.repairs {
			notes["repaired"] = append(notes["repaired"], fmt.Sprintf("%s: %s = %v (%s)", res.file, fix.path, fix.value, fix.reason))
		}
		for _, line := range res.stub {
			what := "taken all the same"
			if res.refused {
				what = "refused"
			}
			notes["examples that break their own description"] = append(notes["examples that break their own description"], res.file+": "+line+" ("+what+")")
		}
		for _, line := range res.lacks {
			notes["read-only members that examples show and the cloud leaves out"] = append(notes["read-only members that examples show and the cloud leaves out"], res.op.id+": "+line)
		}
		for _, line := range res.open {
			notes["values beyond an enum that may grow"] = append(notes["values beyond an enum that may grow"], res.op.id+": "+line)
		}
		for _, line := range res.strangers {
			notes["members that only newer versions describe"] = append(notes["members that only newer versions describe"], strings.TrimPrefix(line, "value[]."))
		}
	}
	for _, title := range keys(notes) {
		fmt.Fprintf(b, "\n%s:\n", title)
		for _, line := range merge(nil, notes[title]) {
			fmt.Fprintf(b, "  %s\n", line)
		}
	}
	fmt.Fprintln(b)
}

// page writes the lines of docs/coverage.md for a service.
func page(b *strings.Builder, s *service, verdicts []verdict) {
	fmt.Fprintf(b, "\n## %s %s\n\n| operation | method | state |\n|---|---|---|\n", s.name, s.version)
	for _, v := range verdicts {
		state := v.state
		if v.state == excepted {
			state += ": " + v.reason
		}
		if len(v.violations) > 0 {
			state += fmt.Sprintf(", %d violations", len(v.violations))
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", v.op.id, v.op.method, state)
	}
}

// exceptions lists what is let pass, with the reasons.
func exceptions(b *strings.Builder) {
	fmt.Fprint(b, "## Let pass\n\n")
	for _, e := range exempt {
		operation := e.operation
		if operation == "" {
			operation = "all"
		}
		fmt.Fprintf(b, "%s: %s (%s)\n", operation, e.path, e.reason)
	}
	for _, r := range refusals {
		fmt.Fprintf(b, "%s: %s is refused with %s (%s)\n", r.service, r.file, r.code, r.reason)
	}
	for _, header := range keys(hints) {
		fmt.Fprintf(b, "all: header %s (%s)\n", header, hints[header])
	}
}

// keep compares a text with the file that holds it, or rewrites the file.
func keep(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("read %s: %v; write it with -update", file, err)
	}
	if string(want) == text {
		return
	}
	t.Errorf("%s is not what came out; look at it and rewrite it with -update:\n%s", file, difference(string(want), text))
}

// difference lists the lines that only one of two texts has.
func difference(want, got string) string {
	count := map[string]int{}
	for line := range strings.Lines(want) {
		count[line]--
	}
	for line := range strings.Lines(got) {
		count[line]++
	}
	var b strings.Builder
	for _, line := range keys(count) {
		switch n := count[line]; {
		case n < 0:
			b.WriteString("want " + line)
		case n > 0:
			b.WriteString("got  " + line)
		}
	}
	return b.String()
}
