// Package contract reads the description of the HTTP API, httpd/openapi.json, and says whether a
// real answer is one that it describes. Only tests use it.
//
// [Read] takes a document apart strictly: what OpenAPI 3.1 does not know, or this project does not
// use of it, is refused, and so are references to nothing and schemas that are none.
// [Document.Check] then holds answers against it, more strictly than a client should: a field that
// is not described is a fault.
package contract
