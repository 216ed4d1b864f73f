package contract

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/cloudtest"
)

// runner sends the examples of one service to a world.
type runner struct {
	world   *world
	service *service
	made    []string // paths, in order
}

// result is what came of one example.
type result struct {
	op         *operation
	file       string
	notBuilt   string   // what the cloud says it has not
	stub       []string // where the example breaks its own description
	refused    bool     // a stub that the cloud refused, as the service would
	violations []string
	open       []string // values beyond an enum that may grow
	strangers  []string // members that the description does not know
	lacks      []string // read-only members that the example shows and a neighbour leaves out
	repairs    []repair
}

// order is when an operation's turn is: what makes things before what reads them, and deletion last.
func (op *operation) order() int {
	switch op.method {
	case http.MethodPut:
		return 0
	case http.MethodPatch:
		return 1
	case http.MethodPost:
		return 3
	case http.MethodDelete:
		return 4
	}
	return 2
}

// runAll sends everything.
func (r *runner) runAll() []result {
	operations := slices.Clone(r.service.operations)
	sort.SliceStable(operations, func(i, j int) bool {
		a, b := operations[i], operations[j]
		if a.order() != b.order() {
			return a.order() < b.order()
		}
		return strings.Count(a.path, "/") < strings.Count(b.path, "/")
	})
	var results []result
	for _, op := range operations {
		examples := op.examples
		if len(examples) == 0 && (op.body() == nil || !op.body().required) {
			examples = []example{{file: "(no example)"}}
		}
		for _, x := range examples {
			results = append(results, r.run(op, x))
		}
		if len(examples) == 0 {
			results = append(results, result{op: op, notBuilt: "not tried: no example"})
		}
	}
	for i := len(r.made) - 1; i >= 0 && r.service.passing; i-- {
		w := r.world
		w.follow(w.send(http.MethodDelete, r.made[i]+"?api-version="+r.service.version, nil))
		delete(w.known, strings.ToLower(r.made[i]))
	}
	return results
}

// run sends one example and judges what comes back.
func (r *runner) run(op *operation, x example) result {
	w := r.world
	res := result{op: op, file: x.file}
	values := r.values(op, x)
	body := r.content(op, x, &res)
	if op.body() != nil && body != nil {
		j := newJudgement(request)
		j.value("", op.body().schema, body)
		res.stub = sorted(j.trouble)
	}
	w.references(body)
	reason, there := r.prepare(op, x, values)
	path, missing := r.address(op, x, values, &res)
	if missing != "" {
		res.stub = append(res.stub, missing)
	}
	first := w.send(op.method, path, payload(body))
	if res.notBuilt = notBuilt(first); res.notBuilt != "" {
		return res
	}
	if reason != "" && (first.Status == http.StatusNotFound || first.Status == http.StatusNoContent && op.method == http.MethodDelete) {
		res.notBuilt = reason
		return res
	}
	if !there {
		res.violations = append(res.violations, "what it wants to find could not be made")
	}
	res.refused = first.Status >= 400 && len(res.stub) > 0
	end := w.follow(first)
	r.judgeFirst(&res, first, x)
	r.judgeEnd(&res, first, end, expand(op.path, values))
	switch {
	case op.method == http.MethodDelete:
		delete(w.known, strings.ToLower(expand(op.path, values)))
	case op.method == http.MethodPut && first.Status < 300:
		r.made = append(r.made, expand(op.path, values))
		w.known[strings.ToLower(expand(op.path, values))] = true
	}
	return res
}

// payload is what is sent: nothing at all if there is no body.
func payload(body any) any {
	if object, ok := body.(map[string]any); ok && object == nil {
		return nil
	}
	return body
}

// notBuilt reads an answer that says that something is not there to be built upon.
func notBuilt(a cloudtest.Answer) string {
	code, message := trouble(a)
	switch {
	case a.Status == http.StatusNotImplemented:
		return "501 " + mask(message)
	case a.Status == http.StatusMethodNotAllowed:
		return "405 " + mask(message)
	case a.Status == http.StatusNotFound && (code == "InvalidResourceType" || code == "InvalidResourceNamespace"):
		return "404 " + code + " " + mask(message)
	}
	return ""
}

// trouble reads the error of an answer.
func trouble(a cloudtest.Answer) (code, message string) {
	var doc map[string]any
	_ = decode(a.Body, &doc)
	inner, _ := doc["error"].(map[string]any)
	return text(inner, "code"), text(inner, "message")
}

// judgeFirst judges the answer to the request itself.
func (r *runner) judgeFirst(res *result, a cloudtest.Answer, x example) {
	code := strconv.Itoa(a.Status)
	described := res.op.answers[code]
	if a.Status >= 400 {
		if described == nil {
			described = res.op.answers["default"]
		}
		if described != nil && described.schema != nil && res.op.method != http.MethodHead {
			res.judge("error "+code, described.schema, a.Body, answer, nil)
		}
		if word, message := trouble(a); !res.refused && res.op.answers[code] == nil && !mayRefuse(res.op.service, res.file, word) {
			res.violations = append(res.violations, fmt.Sprintf("refused: %s %s: %s", code, word, mask(message)))
		}
		return
	}
	if described == nil {
		res.violations = append(res.violations, fmt.Sprintf("answers %s; described: %s", code, strings.Join(keys(res.op.answers), ", ")))
		return
	}
	if described.schema != nil {
		res.judge(code, described.schema, a.Body, res.op.side(), x.answers[code])
	}
	if a.Status == http.StatusAccepted || a.Status == http.StatusCreated && res.op.long {
		for _, header := range described.headers {
			if a.Header.Get(header) == "" && hints[header] == "" {
				res.violations = append(res.violations, fmt.Sprintf("%s: header %s is missing", code, header))
			}
		}
	}
	if a.Status == http.StatusAccepted && a.Header.Get("Location") == "" && a.Header.Get("Azure-AsyncOperation") == "" {
		res.violations = append(res.violations, code+": neither Location nor Azure-AsyncOperation")
	}
}

// judgeEnd judges how an operation ended, and the resource as it is then.
func (r *runner) judgeEnd(res *result, first cloudtest.Answer, end ending, path string) {
	op := res.op
	if end.trouble != "" {
		res.violations = append(res.violations, mask(end.trouble))
	}
	if end.final != nil && end.final.Status < 300 {
		code := strconv.Itoa(end.final.Status)
		switch described := op.answers[code]; {
		case described == nil && op.answers["200"] == nil && op.answers["204"] == nil: // only the beginning is described
		case described == nil:
			res.violations = append(res.violations, fmt.Sprintf("ends with %s; described: %s", code, strings.Join(keys(op.answers), ", ")))
		case described.schema != nil:
			res.judge("end "+code, described.schema, end.final.Body, op.side(), nil)
		}
	}
	read := r.service.templates[op.path][http.MethodGet]
	if first.Status >= 300 || read == nil || op.method == http.MethodGet || op.own() == "" {
		return
	}
	last := r.world.send(http.MethodGet, path+"?api-version="+op.version, nil)
	switch {
	case op.method == http.MethodDelete && last.Status != http.StatusNotFound:
		res.violations = append(res.violations, fmt.Sprintf("GET answers %d after the deletion", last.Status))
	case op.method == http.MethodDelete:
		again := r.world.send(http.MethodDelete, path+"?api-version="+op.version, nil)
		if again.Status != http.StatusNoContent && op.answers["204"] != nil {
			res.violations = append(res.violations, fmt.Sprintf("a second DELETE answers %d, not 204", again.Status))
		}
		res.judge("GET 404", read.answers["default"].schemaOrNil(), last.Body, answer, nil)
	case last.Status != http.StatusOK:
		res.violations = append(res.violations, fmt.Sprintf("GET answers %d afterwards", last.Status))
	default:
		res.judge("GET", read.answers["200"].schemaOrNil(), last.Body, answer, nil)
	}
}

func (r *response) schemaOrNil() *schema {
	if r == nil {
		return nil
	}
	return r.schema
}

// side says what may stand in an answer of this operation.
func (op *operation) side() side {
	if op.method == http.MethodPost {
		return secrets
	}
	return answer
}

// judge holds a body against its description, and its read-only members against those of the example.
func (res *result) judge(when string, s *schema, data []byte, who side, example map[string]any) {
	if s == nil {
		return
	}
	var value any
	if err := decode(data, &value); err != nil {
		res.violations = append(res.violations, fmt.Sprintf("%s: the body is no JSON: %v", when, err))
		return
	}
	j := newJudgement(who)
	j.value("", s, value)
	if ours, ok := value.(map[string]any); ok && example != nil {
		absent("", s, ours, example, func(path string) {
			if res.op.service.strict {
				j.wrong(path, "is read-only, filled in by the example, and missing")
			} else {
				res.lacks = merge(res.lacks, []string{path})
			}
		})
	}
	for _, line := range sorted(j.trouble) {
		if path, _, _ := strings.Cut(line, ": "); exemptMember(res.op, path) {
			continue
		}
		res.violations = append(res.violations, when+": "+line)
	}
	res.open = merge(res.open, sorted(j.open))
	res.strangers = merge(res.strangers, sorted(j.stranger))
}

func merge(a, b []string) []string {
	all := append(a, b...)
	slices.Sort(all)
	return slices.Compact(all)
}

var (
	guids  = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)
	moment = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`)
	host   = regexp.MustCompile(`127\.0\.0\.1:\d+`)
)

// mask makes a message the same in every run.
func mask(message string) string {
	message = guids.ReplaceAllString(message, "{guid}")
	return host.ReplaceAllString(moment.ReplaceAllString(message, "{time}"), "{host}")
}

// address is the path with its query; missing names a required input that the example has not.
func (r *runner) address(op *operation, x example, values map[string]string, res *result) (path, missing string) {
	query := url.Values{"api-version": {op.version}}
	for _, p := range op.parameters {
		if p.in != "query" || p.name == "api-version" {
			continue
		}
		value, given := x.parameters[p.name]
		word := fmt.Sprint(value)
		if items, ok := value.([]any); ok {
			var words []string
			for _, item := range items {
				words = append(words, fmt.Sprint(item))
			}
			word = strings.Join(words, ",")
		}
		if given && (p.name == "$skip" || p.name == "$skiptoken" || p.name == "$skipToken") {
			res.repairs = append(res.repairs, repair{x.file, p.name, nil, "an opaque token can only come from nextLink"})
			continue
		}
		if strings.EqualFold(strings.TrimPrefix(p.name, "$"), "orderBy") && word == "string" {
			res.repairs = append(res.repairs, repair{x.file, p.name, nil, "a placeholder is no order"})
			continue
		}
		switch {
		case given:
			query.Set(p.name, word)
		case p.required && p.fallback != "":
			query.Set(p.name, p.fallback)
		case p.required:
			missing = "query parameter " + p.name + " is required and missing"
		}
	}
	return expand(op.path, values) + "?" + query.Encode(), missing
}
