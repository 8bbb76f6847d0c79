package contract

import (
	"strings"
	"testing"
)

const whole = `{"openapi":"3.1.0","info":{"title":"T","version":"1"},"paths":{"/a/{id}":{"get":{
"operationId":"a","tags":["x"],"summary":"A","security":[],
"parameters":[{"$ref":"#/components/parameters/Id"}],
"responses":{"200":{"$ref":"#/components/responses/A"},"204":{"description":"Nothing."}}}}},
"components":{"parameters":{"Id":{"name":"id","in":"path","required":true,"description":"I",
"schema":{"type":"integer"}}},
"responses":{"A":{"description":"A","content":{"application/json":{"schema":{"$ref":"#/components/schemas/A"}}}}},
"schemas":{"A":{"type":"object","required":["n"],"properties":{"n":{"type":["integer","null"]},
"more":{"type":"object","additionalProperties":true}}}}}}`

// TestRead breaks a document in one place after another.
func TestRead(t *testing.T) {
	if _, err := Read([]byte(whole)); err != nil {
		t.Fatal(err)
	}
	f := func(from, to, want string) {
		t.Helper()
		broken := strings.Replace(whole, from, to, 1)
		if broken == whole {
			t.Fatalf("no %s", from)
		}
		if _, err := Read([]byte(broken)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", to, err, want)
		}
	}
	f(`3.1.0`, `3.0.0`, "openapi")
	f(`"summary"`, `"sumary"`, "unknown field")
	f(`parameters/Id`, `parameters/Ix`, "means nothing")
	f(`responses/A`, `responses/B`, "means nothing")
	f(`"/a/{id}"`, `"/a/{it}"`, "not whole")
	f(`"/a/{id}"`, `"/a/{id}/{it}"`, "2 parts in braces")
	f(`"operationId":"a"`, `"operationId":""`, "operationId")
	f(`"security":[],`, ``, "security")
	f(`"integer","null"`, `"integer","nil"`, "openapi.json")
	f(`schemas/A`, `schemas/B`, "schemas/B")
}

// TestCheck holds answers against a description.
func TestCheck(t *testing.T) {
	d, err := Read([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	o := d.Operations()[0]
	f := func(status int, media, body string, ok bool) {
		t.Helper()
		if err := d.Check(o, status, media, []byte(body)); (err == nil) != ok {
			t.Errorf("%d %s %s: %v", status, media, body, err)
		}
	}
	f(200, "application/json; charset=utf-8", `{"n":1}`, true)
	f(200, "application/json", `{"n":null,"more":{"x":1}}`, true)
	f(200, "application/json", `{"n":1.5}`, false)
	f(200, "application/json", `{}`, false)
	f(200, "application/json", `{"n":1,"m":2}`, false)
	f(200, "application/json", `{"n":1`, false)
	f(200, "text/plain", `{"n":1}`, false)
	f(204, "", "", true)
	f(204, "", "x", false)
	f(404, "application/json", `{"n":1}`, false)
}
