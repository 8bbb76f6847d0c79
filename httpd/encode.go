package httpd

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

const (
	jsonType   = "application/json"
	ndjsonType = "application/x-ndjson"
	csvType    = "text/csv"
	textType   = "text/plain"
)

// bodyKept is how long a body may be for its buffer to stay with the connection. Longer ones are
// left to the garbage collector, so that idle connections do not hold megabytes.
const bodyKept = 256 << 10

// takeBody takes the buffer of the connection's last answer, to append the next one to.
func takeBody(ctx *fasthttp.RequestCtx) []byte { return ctx.Response.SwapBody(nil)[:0] }

// takeLargeBody is takeBody for an answer of about size bytes, which then need not grow.
func takeLargeBody(ctx *fasthttp.RequestCtx, size int) []byte {
	return slices.Grow(takeBody(ctx), size)
}

// giveBody makes body, which takeBody began, the answer.
func giveBody(ctx *fasthttp.RequestCtx, contentType string, body []byte) {
	ctx.SetContentType(contentType)
	if cap(body) > bodyKept {
		ctx.Response.SetBodyRaw(body)
		return
	}
	ctx.Response.SwapBody(body)
}

// appendString appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

// appendMicro appends a decimal of at most six places without trailing zeros.
func appendMicro(dst []byte, m core.Micro) []byte {
	dst = core.AppendPrice(dst, core.Price(m), 6)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	if dst[len(dst)-1] == '.' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendShare appends part/whole with three decimals, rounded half up; 0 of nothing is 0.
func appendShare(dst []byte, part, whole int64) []byte {
	if whole <= 0 {
		return append(dst, '0')
	}
	return core.AppendPrice(dst, core.Price((part*2000+whole)/(2*whole)), 3)
}

func appendInt(dst []byte, name string, n int64) []byte {
	dst = append(dst, name...)
	return strconv.AppendInt(dst, n, 10)
}

// list frames the elements of an array, one on each line.
const (
	listOpen  = "[\n"
	listEmpty = "[]\n"
)

// closeList ends an array whose elements each end in ",\n"; start is where listOpen begins.
func closeList(dst []byte, start int) []byte {
	if len(dst) == start+len(listOpen) {
		return append(dst[:start], listEmpty...)
	}
	dst = dst[:len(dst)-2]
	return append(dst, '\n', ']', '\n')
}

// cutText shortens what came from outside before it is quoted.
func cutText(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
