package contract

import (
	"fmt"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// operation is one method of one path of a description.
type operation struct {
	service    *service
	id, method string
	path       string // template
	parameters []parameter
	answers    map[string]*response // by status code, and "default"
	long       bool
	finalVia   string
	examples   []example
	version    string
}

// parameter is one input of an operation.
type parameter struct {
	name, in string
	required bool
	schema   *schema // of a body
	fallback string  // default or only value
}

type response struct {
	schema  *schema // nil: no body
	headers []string
}

// example is one published request with the answers that come with it.
type example struct {
	file       string // below the folder of the examples
	parameters map[string]any
	answers    map[string]map[string]any // bodies by status code
}

// answer returns the body that the example shows for success.
func (x example) answer() map[string]any {
	for _, code := range []string{"200", "201", "202"} {
		if body := x.answers[code]; body != nil {
			return body
		}
	}
	return nil
}

// service is one set of descriptions that belong together.
type service struct {
	name, version, folder string
	files                 []string
	strict                bool // read-only members that an example shows must be there
	passing               bool // what it makes is taken away at its end: it would stand in the way of the next
	operations            []*operation
	templates             map[string]map[string]*operation // by template and method
}

// load reads the descriptions of a service. root is the folder "specification".
func (s *service) load(b *book, root string) error {
	s.templates = map[string]map[string]*operation{}
	for _, file := range s.files {
		path := filepath.Join(root, filepath.FromSlash(s.folder), file)
		doc, err := b.document(path)
		if err != nil {
			return err
		}
		for _, section := range []string{"paths", "x-ms-paths"} {
			paths, _ := doc[section].(map[string]any)
			for _, template := range keys(paths) {
				item := paths[template].(map[string]any)
				for _, method := range keys(item) {
					if method == "parameters" {
						continue
					}
					op, err := s.operation(b, path, template, method, item)
					if err != nil {
						return fmt.Errorf("%s %s: %w", method, template, err)
					}
					s.operations = append(s.operations, op)
					if s.templates[template] == nil {
						s.templates[template] = map[string]*operation{}
					}
					s.templates[template][op.method] = op
				}
			}
		}
	}
	sort.SliceStable(s.operations, func(i, j int) bool { return s.operations[i].id < s.operations[j].id })
	return nil
}

// operation reads one operation.
func (s *service) operation(b *book, path, template, method string, item map[string]any) (*operation, error) {
	raw := item[method].(map[string]any)
	op := &operation{service: s, id: text(raw, "operationId"), method: strings.ToUpper(method), answers: map[string]*response{}, version: s.version}
	op.path, _, _ = strings.Cut(template, "?")
	op.long = raw["x-ms-long-running-operation"] == true
	options, _ := raw["x-ms-long-running-operation-options"].(map[string]any)
	op.finalVia = text(options, "final-state-via")
	for _, p := range append(list(item["parameters"]), list(raw["parameters"])...) {
		if err := op.addParameter(b, path, p.(map[string]any)); err != nil {
			return nil, err
		}
	}
	answers, _ := raw["responses"].(map[string]any)
	for code, value := range answers {
		if err := op.addAnswer(b, path, code, value.(map[string]any)); err != nil {
			return nil, err
		}
	}
	examples, _ := raw["x-ms-examples"].(map[string]any)
	for _, title := range keys(examples) {
		if err := op.addExample(path, text(examples[title].(map[string]any), "$ref")); err != nil {
			return nil, err
		}
	}
	sort.Slice(op.examples, func(i, j int) bool { return op.examples[i].file < op.examples[j].file })
	for _, own := range ours {
		if own.service == s.name && own.operation == op.id {
			op.examples = append(op.examples, example{file: own.file, parameters: own.parameters})
		}
	}
	return op, nil
}

func (op *operation) addParameter(b *book, path string, raw map[string]any) error {
	at, err := b.follow(place{path: path, raw: raw})
	if err != nil {
		return err
	}
	p := parameter{name: text(at.raw, "name"), in: text(at.raw, "in"), required: at.raw["required"] == true, fallback: text(at.raw, "default")}
	if values := list(at.raw["enum"]); len(values) == 1 {
		p.fallback = fmt.Sprint(values[0])
	}
	if body, ok := at.raw["schema"].(map[string]any); ok {
		if p.schema, err = b.schemaAt(place{path: at.path, raw: body}); err != nil {
			return err
		}
	}
	op.parameters = append(op.parameters, p)
	return nil
}

func (op *operation) addAnswer(b *book, path, code string, raw map[string]any) error {
	at, err := b.follow(place{path: path, raw: raw})
	if err != nil {
		return err
	}
	r := &response{}
	if body, ok := at.raw["schema"].(map[string]any); ok {
		if r.schema, err = b.schemaAt(place{path: at.path, raw: body}); err != nil {
			return err
		}
	}
	headers, _ := at.raw["headers"].(map[string]any)
	r.headers = keys(headers)
	op.answers[code] = r
	return nil
}

func (op *operation) addExample(path, ref string) error {
	file := filepath.Join(filepath.Dir(path), filepath.FromSlash(ref))
	doc, err := readObject(file)
	if err != nil {
		return err
	}
	_, name, _ := strings.Cut(filepath.ToSlash(file), "/examples/")
	x := example{file: name, answers: map[string]map[string]any{}}
	x.parameters, _ = doc["parameters"].(map[string]any)
	answers, _ := doc["responses"].(map[string]any)
	for code, value := range answers {
		if object, ok := value.(map[string]any); ok {
			if body, ok := object["body"].(map[string]any); ok {
				x.answers[code] = body
			}
		}
	}
	op.examples = append(op.examples, x)
	return nil
}

// body is the parameter that is the request's body, or nil.
func (op *operation) body() *parameter {
	for i := range op.parameters {
		if op.parameters[i].in == "body" {
			return &op.parameters[i]
		}
	}
	return nil
}

var placeholder = regexp.MustCompile(`\{([^}]+)\}`)

// own is the parameter that names the resource itself: the last word of the path; "" for collections and verbs.
func (op *operation) own() string { return ownOf(op.path) }

func ownOf(template string) string {
	last := template[strings.LastIndexByte(template, '/')+1:]
	if strings.HasPrefix(last, "{") {
		return strings.Trim(last, "{}")
	}
	return ""
}

// resource is the template of the resource that an operation is about or stands below: the path itself if it ends in a name, else up to the last name.
func resourceOf(template string) string {
	words := strings.Split(template, "/")
	for len(words) > 0 && !strings.HasPrefix(words[len(words)-1], "{") {
		words = words[:len(words)-1]
	}
	return strings.Join(words, "/")
}

// parentOf is the template of the parent of a resource.
func parentOf(template string) string {
	words := strings.Split(template, "/")
	if len(words) < 3 {
		return ""
	}
	return resourceOf(strings.Join(words[:len(words)-2], "/"))
}

// expand puts values into a template.
func expand(template string, values map[string]string) string {
	path := placeholder.ReplaceAllStringFunc(template, func(hole string) string {
		return strings.Trim(values[strings.Trim(hole, "{}")], "/")
	})
	return strings.TrimSuffix(strings.ReplaceAll(path, "//", "/"), "/") // a hole may be empty
}
