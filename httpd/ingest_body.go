package httpd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/valyala/fasthttp"
)

// gunzipper unpacks bodies into a buffer of its own.
type gunzipper struct {
	reader gzip.Reader
	packed bytes.Reader
	buffer []byte
}

// body returns the body of a request, unpacked. When it is in a gunzipper's buffer, that one is
// returned too, to be given back after use.
func (s *Server) body(ctx *fasthttp.RequestCtx) ([]byte, *gunzipper, error) {
	body := ctx.Request.Body()
	encoding := ctx.Request.Header.ContentEncoding()
	switch {
	case len(encoding) == 0 || bytes.EqualFold(encoding, []byte("identity")):
		return body, nil, nil
	case !bytes.EqualFold(encoding, []byte("gzip")):
		return nil, nil, badMediaType.because(fmt.Sprintf(
			"Content-Encoding must be gzip or absent, not %q", cutText(string(encoding))))
	}
	z := s.bodies.Get().(*gunzipper)
	plain, err := z.unpack(body, s.opts.Limits.IngestBody)
	if errors.Is(err, errUnpacksTooLarge) {
		err = s.tooLarge()
	}
	return plain, z, err
}

var errUnpacksTooLarge = errors.New("the body unpacks to more than it may")

// unpack reads at most most bytes, so that a small body cannot become a large one.
func (z *gunzipper) unpack(packed []byte, most int) ([]byte, error) {
	if cap(z.buffer) > bodyKept {
		z.buffer = nil
	}
	z.packed.Reset(packed)
	if err := z.reader.Reset(&z.packed); err != nil {
		return nil, badGzip.because("the body is not gzip: " + gzipText(err))
	}
	b := bytes.NewBuffer(z.buffer[:0])
	n, err := io.Copy(b, io.LimitReader(&z.reader, int64(most)+1))
	z.buffer = b.Bytes()
	switch {
	case err != nil:
		return nil, badGzip.because("the body is broken gzip: " + gzipText(err))
	case n > int64(most):
		return nil, errUnpacksTooLarge
	}
	return z.buffer, nil
}

// gzipText says what is wrong in the words of a reader of the answer.
func gzipText(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends too early"
	}
	return strings.TrimPrefix(err.Error(), "gzip: ")
}
