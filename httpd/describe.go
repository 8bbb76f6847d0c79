package httpd

import (
	_ "embed"

	"github.com/valyala/fasthttp"
)

// description is the description of this API in OpenAPI 3.1. Tests compare it with the table of
// routes, with what handlers take and with what they answer.
//
//go:embed openapi.json
var description []byte

// getDescription answers with the description. It is the same in every copy of this program and
// says nothing of this server, so it is for anyone: who has no key learns there how to use one.
func getDescription(ctx *fasthttp.RequestCtx) error {
	ctx.SetContentType(jsonType)
	ctx.SetBody(description)
	return nil
}
