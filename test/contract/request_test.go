package contract

import (
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// repair replaces what a published example leaves as a stub and the real service refuses too.
type repair struct {
	example string // file, as path.Match understands it; a part of the path before * may be left out
	path    string // dotted, [] for every item; * for every member; ? before a member that is repaired only where it is
	value   any    // nil takes the member away
	reason  string
}

// content is the body of an example, as this world understands it, repaired.
func (r *runner) content(op *operation, x example, res *result) map[string]any {
	p := op.body()
	if p == nil {
		return nil
	}
	raw, ok := x.parameters[p.name].(map[string]any)
	if !ok {
		for _, name := range keys(x.parameters) { // some examples name it otherwise
			if object, is := x.parameters[name].(map[string]any); is {
				raw = object
			}
		}
	}
	if raw == nil {
		return nil
	}
	body := r.world.rewrite(raw).(map[string]any)
	for _, fix := range repairs {
		path, ifThere := strings.CutPrefix(fix.path, "?")
		if ifThere && body[path] == nil {
			continue
		}
		if fix.matches(r.service, x.file) && apply(body, strings.Split(path, "."), r.world.rewrite(fix.value)) && res != nil {
			res.repairs = append(res.repairs, fix)
		}
	}
	return body
}

func (fix repair) matches(s *service, file string) bool {
	pattern, only := fix.example, ""
	if before, after, ok := strings.Cut(fix.example, ": "); ok {
		only, pattern = before, after
	}
	if only != "" && only != s.name {
		return false
	}
	ok, _ := path.Match(pattern, file)
	return ok
}

// apply sets a value at a path; it reports whether that changed anything.
func apply(value any, steps []string, to any) bool {
	changed := false
	switch v := value.(type) {
	case []any:
		if steps[0] == "[]" {
			for _, item := range v {
				changed = apply(item, steps[1:], to) || changed
			}
		}
	case map[string]any:
		if steps[0] == "*" {
			for _, name := range keys(v) {
				changed = apply(v, append([]string{name}, steps[1:]...), to) || changed
			}
			return changed
		}
		if len(steps) > 1 {
			if v[steps[0]] == nil && to != nil && steps[1] != "[]" {
				v[steps[0]] = map[string]any{}
			}
			return apply(v[steps[0]], steps[1:], to)
		}
		before, there := v[steps[0]]
		if to == nil {
			delete(v, steps[0])
			return there
		}
		v[steps[0]] = to
		return fmt.Sprint(before) != fmt.Sprint(to)
	}
	return changed
}

// values are the words of the path.
func (r *runner) values(op *operation, x example) map[string]string {
	values := r.common(op, x.parameters)
	resource := resourceOf(op.path)
	maker := r.service.templates[resource][http.MethodPut]
	own := ownOf(resource)
	if own == "" {
		return values
	}
	collection := op.path != resource && r.isCollection(op.path)
	switch {
	case op.method == http.MethodPut && op.path == resource:
		values[own] = r.ownName(op, x)
	case maker == nil || len(maker.examples) == 0 || collection:
	case op.method == http.MethodDelete:
		made := r.fitting(maker, op, x)
		if values[own] = r.ownName(maker, made); !r.fixed(maker) && !r.service.passing {
			values[own] = another(values[own], "d") // others still need the first one
		}
	default:
		values[own] = r.ownName(maker, r.fitting(maker, op, x))
	}
	return values
}

// isCollection reports whether a path lists what the service describes one by one, too.
func (r *runner) isCollection(template string) bool {
	for other := range r.service.templates {
		if rest, ok := strings.CutPrefix(other, template+"/"); ok && strings.HasPrefix(rest, "{") {
			return true
		}
	}
	return false
}

// common are the words of the path that do not name the resource itself.
func (r *runner) common(op *operation, given map[string]any) map[string]string {
	w := r.world
	values := map[string]string{"subscriptionId": w.subscription, "resourceGroupName": groupName, "sourceResourceGroupName": groupName,
		"workspaceName": workspaceName, "location": "eastus"}
	for _, hole := range placeholder.FindAllStringSubmatch(op.path, -1) {
		name := hole[1]
		if value, ok := r.table(op, name, given[name]); ok {
			values[name] = w.rewriteWord(value)
			continue
		} else if _, set := values[name]; !set {
			values[name] = legal(w.rewriteWord(fmt.Sprint(given[name])))
		}
		if values[name] == "" || values[name] == "<nil>" {
			values[name] = "contract1"
		}
	}
	return values
}

// table looks a word up in the table of values.
func (r *runner) table(op *operation, name string, given any) (string, bool) {
	for _, v := range words {
		if v.service == r.service.name && strings.HasPrefix(op.id, v.operation) && v.parameter == name && strings.Contains(fmt.Sprint(given), v.given) {
			if v.value == "{connection}" {
				return r.world.connections[v.service], true
			}
			return v.value, true
		}
	}
	return "", false
}

// legal makes a name of a placeholder.
func legal(name string) string {
	if strings.HasPrefix(name, "http://") {
		name = name[strings.LastIndexByte(name, '/')+1:]
	}
	return strings.Trim(name, "{}")
}

// ownName names what an example of a PUT makes: each has its own.
func (r *runner) ownName(maker *operation, x example) string {
	own := maker.own()
	name, ok := r.table(maker, own, x.parameters[own])
	if !ok {
		name = fmt.Sprint(x.parameters[own])
	}
	name = legal(r.world.rewriteWord(name))
	if name == "<nil>" {
		name = "contract1"
	}
	for i, other := range maker.examples {
		if other.file == x.file && i > 0 && !r.fixed(maker) {
			name = another(name, strconv.Itoa(i+1))
		}
	}
	return name
}

// fixed reports whether the name of a resource cannot be chosen.
func (r *runner) fixed(maker *operation) bool {
	for _, p := range maker.parameters {
		if p.name == maker.own() && p.fallback != "" {
			return true
		}
	}
	value, _ := r.table(maker, maker.own(), nil)
	return value != "" && value == r.world.connections[r.service.name]
}

// fitting chooses the example of a PUT that makes what an example wants to find.
func (r *runner) fitting(maker, op *operation, x example) example {
	if want := fits[op.id]; want != "" {
		for _, made := range maker.examples {
			if made.file == want {
				return made
			}
		}
	}
	best, most := maker.examples[0], 0
	for _, made := range maker.examples {
		if made.file == first[r.service.name+" "+maker.id] {
			best = made
		}
	}
	wanted := kinds(x.answer())
	for word := range kinds(map[string]any{"": firstObject(x.parameters)}) {
		wanted[word] = true
	}
	for _, made := range maker.examples {
		score := 0
		for word := range kinds(map[string]any{"": firstObject(made.parameters)}) {
			if wanted[word] {
				score++
			}
		}
		if score > most {
			best, most = made, score
		}
	}
	return best
}

// another is a name that differs: a guid stays one.
func another(name, suffix string) string {
	if uuidForm.MatchString(name) {
		name = name[:len(name)-len(suffix)]
	}
	return name + suffix
}

func firstObject(parameters map[string]any) any {
	for _, name := range keys(parameters) {
		if object, ok := parameters[name].(map[string]any); ok {
			return object
		}
	}
	return nil
}

// kinds are the words of a document that say of what kind it is.
func kinds(value any) map[string]bool {
	found := map[string]bool{}
	object, _ := value.(map[string]any)
	for name, inner := range object {
		switch name {
		case "computeType", "jobType", "datastoreType", "endpointComputeType", "dataType", "category", "kind":
			found[name+"="+fmt.Sprint(inner)] = true
		case "", "properties":
			for word := range kinds(inner) {
				found[word] = true
			}
		}
	}
	return found
}

// prepare makes what an example wants to find: the parents, the resource itself, and the state it must be in. It returns what
// is not built of that, and whether all is there.
func (r *runner) prepare(op *operation, x example, values map[string]string) (reason string, there bool) {
	resource := resourceOf(op.path)
	if op.method == http.MethodPut && op.path == resource {
		resource = parentOf(resource)
	}
	if reason, there = r.make(resource, op, x, values); there {
		for _, step := range before[op.id] {
			method, verb, _ := strings.Cut(step, " ")
			r.world.follow(r.world.send(method, expand(resource, values)+"/"+verb+"?api-version="+op.version, nil))
		}
	}
	return reason, there
}

// make makes a resource, after its parents. It returns what is not built of what it needs, and whether the resource is there.
func (r *runner) make(template string, op *operation, x example, values map[string]string) (reason string, there bool) {
	w, at := r.world, expand(template, values)
	if template == "" || w.known[strings.ToLower(at)] {
		return "", true
	}
	if reason, there = r.make(parentOf(template), op, x, values); !there {
		return reason, false
	}
	maker := r.service.templates[template][http.MethodPut]
	if maker == nil || len(maker.examples) == 0 {
		return "", true
	}
	read := w.send(http.MethodGet, at+"?api-version="+op.version, nil)
	if read.Status == http.StatusOK {
		w.known[strings.ToLower(at)] = true
		return "", true
	}
	if reason = notBuilt(read); reason != "" {
		return reason, false
	}
	made := r.fitting(maker, op, x)
	body := r.content(maker, made, nil)
	w.references(body)
	path, _ := r.address(maker, made, values, &result{})
	first := w.send(http.MethodPut, path, payload(body))
	if reason = notBuilt(first); reason != "" {
		return "cannot be made: " + reason, false
	}
	if end := w.follow(first); first.Status >= 300 || end.trouble != "" {
		return "", false
	}
	w.known[strings.ToLower(at)] = true
	r.made = append(r.made, at)
	return "", true
}
