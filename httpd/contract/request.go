package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// URL fills the path of an operation with the examples of its parameters, and adds those of the
// query: the required ones, or all. The error is a parameter that needs an example and has none.
func (o *Operation) URL(all bool) (string, error) {
	path, query := o.Path, url.Values{}
	for _, p := range o.Parameters {
		if p.Example == nil && p.Required {
			return "", fmt.Errorf("%s %s: the parameter %s needs an example", o.Method, o.Path, p.Name)
		}
		value := fmt.Sprint(p.Example)
		if number, ok := p.Example.(float64); ok {
			value = fmt.Sprintf("%.0f", number)
		}
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", value)
		case p.In == "query" && (p.Required || all && p.Example != nil):
			query.Set(p.Name, value)
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path, nil
}

// Fields returns the fields of each form that an operation takes as a JSON object: one set, or one
// for each of oneOf.
func (d *Document) Fields(o *Operation) (forms [][]string, err error) {
	if o.Body == nil || o.Body.Content["application/json"] == nil {
		return nil, nil
	}
	return d.fields(o.Body.Content["application/json"].Schema)
}

func (d *Document) fields(schema json.RawMessage) (forms [][]string, err error) {
	var s struct {
		Ref        string                     `json:"$ref"`
		OneOf      []json.RawMessage          `json:"oneOf"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(schema, &s); err != nil {
		return nil, err
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return d.fields(d.Components.Schemas[name])
	}
	for _, each := range s.OneOf {
		more, err := d.fields(each)
		if err != nil {
			return nil, err
		}
		forms = append(forms, more...)
	}
	if s.Properties != nil {
		forms = append(forms, slices.Sorted(maps.Keys(s.Properties)))
	}
	return forms, nil
}

// Bodies returns the bodies that an operation gives as examples, by type.
func (o *Operation) Bodies() (all map[string][][]byte, err error) {
	if o.Body == nil {
		return nil, nil
	}
	all = map[string][][]byte{}
	for media, m := range o.Body.Content {
		examples := []json.RawMessage{}
		if m.Example != nil {
			examples = append(examples, m.Example)
		}
		for _, name := range slices.Sorted(maps.Keys(m.Examples)) {
			examples = append(examples, m.Examples[name].Value)
		}
		for _, raw := range examples {
			text := []byte(raw)
			if media != "application/json" {
				var s string
				if err := json.Unmarshal(raw, &s); err != nil {
					return nil, err
				}
				text = []byte(s)
			}
			all[media] = append(all[media], text)
		}
	}
	return all, nil
}
