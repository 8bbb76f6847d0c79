package httpd

import (
	"bytes"

	"github.com/valyala/fasthttp"
)

// Where a request ends must not be a matter of opinion: a proxy that reads it otherwise than we do
// takes the rest for another request, which somebody else is answered for. fasthttp is lenient in
// what follows, so such requests are refused and their connections closed.

var (
	contentLength    = []byte("content-length")
	transferEncoding = []byte("transfer-encoding")
)

// chunkedLength is what fasthttp takes for the length of a body in chunks.
const chunkedLength = -1

// framingFault says what is wrong with the lines of the headers, or "".
func framingFault(h *fasthttp.RequestHeader) string {
	length, coding := false, false
	for raw := h.RawHeaders(); len(raw) > 0; {
		end := bytes.IndexByte(raw, '\n')
		if end < 1 || raw[end-1] != '\r' {
			return "a line of the headers does not end in CR LF"
		}
		line := raw[:end-1]
		raw = raw[end+1:]
		if len(line) == 0 {
			break
		}
		switch line[0] {
		case ' ', '\t':
			return "a header goes on in the next line"
		case 'c', 'C':
			length = length || isHeader(line, contentLength)
		case 't', 'T':
			coding = coding || isHeader(line, transferEncoding)
		}
		if name, _, _ := bytes.Cut(line, []byte{':'}); bytes.IndexByte(name, ' ') >= 0 {
			return "the name of a header holds a blank"
		}
	}
	switch {
	case length && coding:
		return "Content-Length and Transfer-Encoding exclude each other"
	case coding && h.ContentLength() != chunkedLength:
		return "the only Transfer-Encoding is chunked"
	}
	return ""
}

// isHeader reports whether a line names a header, given in lower case.
func isHeader(line, name []byte) bool {
	return len(line) > len(name) && line[len(name)] == ':' && bytes.EqualFold(line[:len(name)], name)
}
