package contract

import (
	"bytes"
	"fmt"
	"maps"
	"mime"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// address is what the compiler knows the document by.
const address = "openapi.json"

// compile gives the document to the compiler of schemas, with every object closed that does not say
// otherwise.
func (d *Document) compile(text []byte) error {
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	closeObjects(whole)
	d.compiler = jsonschema.NewCompiler()
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(address, whole); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		if _, err := d.compiler.Compile(address + "#/components/schemas/" + name); err != nil {
			return err
		}
	}
	return nil
}

// compileSchemas compiles what stands in an operation itself.
func (d *Document) compileSchemas(o *Operation) error {
	var at [][]string
	for status, r := range o.Responses {
		for media, m := range r.Content {
			if m.Schema != nil {
				at = append(at, o.schemaOf(d, status, media))
			}
		}
	}
	if o.Body != nil {
		for media := range o.Body.Content {
			at = append(at, o.bodySchema(media))
		}
	}
	for _, place := range at {
		if _, err := d.compiler.Compile(address + pointer(place...)); err != nil {
			return err
		}
	}
	return nil
}

// closeObjects adds "additionalProperties": false to the schemas of objects with properties.
func closeObjects(v any) {
	switch v := v.(type) {
	case []any:
		for _, each := range v {
			closeObjects(each)
		}
	case map[string]any:
		for _, each := range v {
			closeObjects(each)
		}
		properties, ok := v["properties"].(map[string]any)
		if _, said := v["additionalProperties"]; ok && !said && v["type"] == "object" &&
			properties != nil {
			v["additionalProperties"] = false
		}
	}
}

// Check returns why an answer to an operation is not as described, or nil.
func (d *Document) Check(o *Operation, status int, contentType string, body []byte) error {
	r, key := o.Responses[strconv.Itoa(status)], strconv.Itoa(status)
	if r == nil {
		r, key = o.Responses["default"], "default"
	}
	if r == nil {
		return fmt.Errorf("status %d is not described", status)
	}
	if len(r.Content) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("%d has a body, which is not described", status)
		}
		return nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || r.Content[media] == nil {
		return fmt.Errorf("%d has the type %q, which is not described", status, contentType)
	}
	if r.Content[media].Schema == nil {
		return nil
	}
	value := any(string(body))
	if strings.HasSuffix(media, "json") && media != "application/x-ndjson" {
		if value, err = jsonschema.UnmarshalJSON(bytes.NewReader(body)); err != nil {
			return err
		}
	}
	return d.validate(pointer(o.schemaOf(d, key, media)...), value)
}

// schemaOf is the place of the schema of a response in the document.
func (o *Operation) schemaOf(d *Document, status, media string) []string {
	at := []string{"paths", o.Path, strings.ToLower(o.Method), "responses", status}
	for name, r := range d.Components.Responses {
		if r == o.Responses[status] {
			at = []string{"components", "responses", name}
		}
	}
	return append(at, "content", media, "schema")
}

// CheckBody returns why a body is not one that an operation takes, or nil.
func (d *Document) CheckBody(o *Operation, media string, body []byte) error {
	value := any(string(body))
	if media == "application/json" {
		var err error
		if value, err = jsonschema.UnmarshalJSON(bytes.NewReader(body)); err != nil {
			return err
		}
	}
	return d.validate(pointer(o.bodySchema(media)...), value)
}

func (o *Operation) bodySchema(media string) []string {
	return []string{
		"paths", o.Path, strings.ToLower(o.Method), "requestBody", "content", media, "schema",
	}
}

func (d *Document) validate(at string, value any) error {
	schema, err := d.compiler.Compile(address + at)
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// pointer is a JSON pointer as the fragment of an address.
func pointer(parts ...string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "+", "%2B")
	var b strings.Builder
	b.WriteByte('#')
	for _, p := range parts {
		b.WriteByte('/')
		b.WriteString(escape.Replace(p))
	}
	return b.String()
}
