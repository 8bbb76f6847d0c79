package httpd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

// gunzipper unpacks bodies into a buffer of its own.
type gunzipper struct {
	reader gzip.Reader
	packed bytes.Reader
	buffer []byte
}

// unzipMax is how many bodies are unpacked at once; others wait their turn, which is only a matter
// of processor time. Each may hold as much memory as the longest body.
const unzipMax = 4

// bodyQuotes makes a submission of the body of a request.
func (s *Server) bodyQuotes(ctx *fasthttp.RequestCtx, format bodyFormatName) (
	*core.Submission, error,
) {
	body := ctx.Request.Body()
	encoding := ctx.Request.Header.ContentEncoding()
	switch {
	case len(encoding) == 0 || bytes.EqualFold(encoding, []byte("identity")):
		return s.submission(callerOf(ctx), format, body)
	case !bytes.EqualFold(encoding, []byte("gzip")):
		return nil, badMediaType.because(fmt.Sprintf(
			"Content-Encoding must be gzip or absent, not %q", cutText(string(encoding))))
	}
	s.unzip <- struct{}{}
	defer func() { <-s.unzip }()
	z := s.bodies.Get().(*gunzipper)
	defer s.bodies.Put(z)
	plain, err := z.unpack(body, s.opts.Limits.IngestBody)
	switch {
	case errors.Is(err, errUnpacksTooLarge):
		return nil, s.tooLarge()
	case err != nil:
		return nil, err
	case len(plain) > s.opts.Limits.Body && !s.room.grow(&ctx.Request.Header, int64(len(plain))):
		return nil, s.noRoomForBody() // Its quotes would outlive the buffer.
	}
	return s.submission(callerOf(ctx), format, plain)
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
