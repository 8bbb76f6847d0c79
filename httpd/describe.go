package httpd

import (
	"bytes"
	_ "embed"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/valyala/fasthttp"
)

// packedDescription is openapi.json, the description of this API in OpenAPI 3.1. Tests compare it
// with the table of routes, with what handlers take and with what they answer. It is packed because
// it would make the binary a tenth of a megabyte larger; whoever changes it runs go generate.
//
//go:generate gzip -9nkf openapi.json
//go:embed openapi.json.gz
var packedDescription []byte

// description unpacks it once, when it is first asked for.
var description = sync.OnceValues(func() ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packedDescription))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
})

// getDescription answers with the description. It is the same in every copy of this program and
// says nothing of this server, so it is for anyone: who has no key learns there how to use one.
func getDescription(ctx *fasthttp.RequestCtx) error {
	text, err := description()
	if err != nil {
		return err
	}
	ctx.SetContentType(jsonType)
	ctx.SetBody(text)
	return nil
}
