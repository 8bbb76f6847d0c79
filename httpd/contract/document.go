package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Document is an OpenAPI 3.1 description, as far as this project uses the format.
type Document struct {
	OpenAPI string `json:"openapi"`
	Info    struct {
		Title, Version, Summary, Description string
	} `json:"info"`
	Servers    []struct{ URL, Description string }  `json:"servers"`
	Security   []Requirement                        `json:"security"`
	Tags       []struct{ Name, Description string } `json:"tags"`
	Paths      map[string]*Path                     `json:"paths"`
	Components Components                           `json:"components"`

	compiler *jsonschema.Compiler
}

// Components are what operations refer to.
type Components struct {
	SecuritySchemes map[string]struct{ Type, Scheme, Description string } `json:"securitySchemes"`
	Headers         map[string]*Header                                    `json:"headers"`
	Parameters      map[string]*Parameter                                 `json:"parameters"`
	Responses       map[string]*Response                                  `json:"responses"`
	Schemas         map[string]json.RawMessage                            `json:"schemas"`
}

// Path holds the operations of one path.
type Path struct {
	Parameters []*Parameter `json:"parameters"` // Of all of them.
	Get        *Operation   `json:"get"`
	Post       *Operation   `json:"post"`
	Put        *Operation   `json:"put"`
	Patch      *Operation   `json:"patch"`
	Delete     *Operation   `json:"delete"`
}

// Requirement names the security schemes that together open an operation, each with roles.
type Requirement map[string][]string

// Operation is one method of a path.
type Operation struct {
	Method, Path string               `json:"-"`
	ID           string               `json:"operationId"`
	Tags         []string             `json:"tags"`
	Summary      string               `json:"summary"`
	Description  string               `json:"description"`
	Security     []Requirement        `json:"security"`
	Parameters   []*Parameter         `json:"parameters"` // With those of the path.
	Body         *Body                `json:"requestBody"`
	Responses    map[string]*Response `json:"responses"` // By status, resolved, too.
}

// Parameter is a parameter of a request.
type Parameter struct {
	Ref         string          `json:"$ref"`
	Name        string          `json:"name"`
	In          string          `json:"in"` // path, query or header.
	Required    bool            `json:"required"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`
	Example     any             `json:"example"`
}

// Body is the body of a request.
type Body struct {
	Description string            `json:"description"`
	Required    bool              `json:"required"`
	Content     map[string]*Media `json:"content"`
}

// Response is an answer.
type Response struct {
	Ref         string             `json:"$ref"`
	Description string             `json:"description"`
	Headers     map[string]*Header `json:"headers"`
	Content     map[string]*Media  `json:"content"`
}

// Header is a header of an answer.
type Header struct {
	Ref         string          `json:"$ref"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`
}

// Media is a body of one type.
type Media struct {
	Schema   json.RawMessage `json:"schema"`
	Example  json.RawMessage `json:"example"`
	Examples map[string]struct {
		Value json.RawMessage `json:"value"`
	} `json:"examples"`
}

// Read reads a document. The error holds all faults found, not only the first.
func Read(text []byte) (*Document, error) {
	d := &Document{}
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(d); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(d.OpenAPI, "3.1.") || d.Info.Title == "" || d.Info.Version == "" {
		return nil, fmt.Errorf("openapi %q, title %q, version %q", d.OpenAPI, d.Info.Title,
			d.Info.Version)
	}
	if err := d.compile(text); err != nil {
		return nil, err
	}
	faults := []error{d.resolveHeaders()}
	ids := map[string]bool{}
	for path, p := range d.Paths {
		for _, o := range p.operations(path) {
			if err := errors.Join(d.resolve(o, p), d.compileSchemas(o)); err != nil {
				faults = append(faults, fmt.Errorf("%s %s: %w", o.Method, path, err))
			}
			if ids[o.ID] || o.ID == "" {
				faults = append(faults, fmt.Errorf("%s %s: operationId %q", o.Method, path, o.ID))
			}
			ids[o.ID] = true
		}
	}
	return d, errors.Join(faults...)
}

// Operations returns all operations, in no order.
func (d *Document) Operations() (all []*Operation) {
	for path, p := range d.Paths {
		all = append(all, p.operations(path)...)
	}
	return all
}

func (p *Path) operations(path string) (all []*Operation) {
	for method, o := range map[string]*Operation{
		"GET": p.Get, "POST": p.Post, "PUT": p.Put, "PATCH": p.Patch, "DELETE": p.Delete,
	} {
		if o != nil {
			o.Method, o.Path = method, path
			all = append(all, o)
		}
	}
	return all
}

// part returns what a reference means in one kind of components.
func part[T any](ref, kind string, parts map[string]*T) (*T, error) {
	name, ok := strings.CutPrefix(ref, "#/components/"+kind+"/")
	if p := parts[name]; ok && p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%s means nothing", ref)
}

// resolve puts what is meant in the place of references, and looks for what is missing.
func (d *Document) resolve(o *Operation, p *Path) (err error) {
	var faults []error
	o.Parameters = append(append([]*Parameter{}, p.Parameters...), o.Parameters...)
	seen := map[string]bool{}
	for i, q := range o.Parameters {
		if q.Ref != "" {
			if q, err = part(q.Ref, "parameters", d.Components.Parameters); err != nil {
				faults = append(faults, err)
				continue
			}
			o.Parameters[i] = q
		}
		key := q.In + " " + q.Name
		if inPath := strings.Contains(o.Path, "{"+q.Name+"}"); seen[key] || q.Schema == nil ||
			q.Description == "" || (q.In == "path") != (inPath && q.Required && q.In == "path") ||
			q.In != "path" && q.In != "query" && q.In != "header" {
			faults = append(faults, fmt.Errorf("the parameter %q is not whole", key))
		}
		seen[key] = true
	}
	if n := strings.Count(o.Path, "{"); n != count(o.Parameters, "path") {
		faults = append(faults, fmt.Errorf("%d parts in braces are described by %d parameters", n,
			count(o.Parameters, "path")))
	}
	if o.Summary == "" || len(o.Tags) != 1 || o.Security == nil || len(o.Responses) == 0 {
		faults = append(faults, errors.New("it needs a summary, a tag, security and responses"))
	}
	for status, r := range o.Responses {
		if r.Ref != "" {
			if r, err = part(r.Ref, "responses", d.Components.Responses); err != nil {
				faults = append(faults, err)
				continue
			}
			o.Responses[status] = r
		}
		if r.Description == "" {
			faults = append(faults, fmt.Errorf("%s has no description", status))
		}
	}
	return errors.Join(faults...)
}

func (d *Document) resolveHeaders() error {
	for _, r := range d.Components.Responses {
		for name, h := range r.Headers {
			if h.Ref == "" {
				continue
			}
			meant, err := part(h.Ref, "headers", d.Components.Headers)
			if err != nil {
				return err
			}
			r.Headers[name] = meant
		}
	}
	return nil
}

func count(parameters []*Parameter, in string) (n int) {
	for _, p := range parameters {
		if p.In == in {
			n++
		}
	}
	return n
}
