package httpd

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

// ingestSource is the lp of posted quotes that name none.
const ingestSource = "API"

var (
	ingestParameters = []string{"ack"}
	acks             = []string{"commit", "accept"}
)

const ackCommit = 0

// newIngest registers the source of posted quotes. When the market file has no place for it left,
// they have no source.
func (s *Server) newIngest() {
	source, err := s.engine.Sources().Register(ingestSource)
	if err != nil {
		s.log.Warn("posted quotes will name no lp", "detail", err)
	}
	s.parsers.New = func() any {
		return &core.Parser{
			Symbols: s.symbols, Sources: s.engine.Sources(), DefaultSource: source,
		}
	}
	s.bodies.New = func() any { return &gunzipper{} }
}

// postTicks takes quotes. Everything that can refuse the body as a whole comes before the first
// quote is looked at, so that a refused body changes nothing.
func (s *Server) postTicks(ctx *fasthttp.RequestCtx) error {
	defer ctx.Request.ReleaseBody(bodyKept)
	ack, err := s.wantedAck(ctx)
	if err != nil {
		return err
	}
	format, err := bodyFormat(ctx.Request.Header.ContentType())
	if err != nil {
		return err
	}
	sub, err := s.bodyQuotes(ctx, format)
	if err != nil {
		return err
	}
	defer sub.Release()
	if ack == ackCommit {
		return s.commit(ctx, sub)
	}
	return s.accept(ctx, sub)
}

// wantedAck reads what a sender wants to wait for. Under the simulator nobody may send.
func (s *Server) wantedAck(ctx *fasthttp.RequestCtx) (ack int, err error) {
	if s.opts.Config.Simulated {
		return 0, feedSimulated.because("quotes are simulated here and never mixed with real ones; " +
			"start the server with -feed none to post quotes")
	}
	q := newQuery(ctx, ingestParameters)
	ack = q.choice("ack", acks...)
	return ack, q.err
}

// submission makes one of a body that is not packed, which its sender must have the budget for.
func (s *Server) submission(who *caller, format bodyFormatName, body []byte,
) (*core.Submission, error) {
	if err := s.chargeQuotes(who, len(body)); err != nil {
		return nil, err
	}
	sub := s.engine.Begin(s.now())
	if s.opts.Config.Recorded {
		sub.History()
	}
	parser := s.parsers.Get().(*core.Parser)
	defer s.parsers.Put(parser)
	in := intake{sub: sub, parser: parser}
	if err := in.take(format, body); err != nil {
		sub.Release()
		return nil, err
	}
	return sub, nil
}

// accept hands the quotes to the engine and answers before they are applied.
func (s *Server) accept(ctx *fasthttp.RequestCtx, sub *core.Submission) error {
	if err := s.handOver(context.Background(), sub); err != nil {
		return err
	}
	dst := s.appendAccepted(append(takeBody(ctx), '{'), sub.Outcome())
	ctx.SetStatusCode(fasthttp.StatusAccepted)
	giveBody(ctx, jsonType, append(dst, '}', '\n'))
	return nil
}

// commit hands the quotes to the engine and answers when what they did is committed.
func (s *Server) commit(ctx *fasthttp.RequestCtx, sub *core.Submission) error {
	if err := sub.Send(context.Background(), true); err != nil {
		return s.refusal(err)
	}
	wait, cancel := context.WithTimeout(context.Background(), s.opts.Limits.CommitTimeout)
	defer cancel()
	o, err := s.await(wait, sub)
	if err != nil {
		return err
	}
	giveBody(ctx, jsonType, append(s.appendCommitted(append(takeBody(ctx), '{'), o), '}', '\n'))
	return nil
}

// handOver gives the quotes to the engine, for a sender who waits for no commit.
func (s *Server) handOver(ctx context.Context, sub *core.Submission) error {
	if err := s.engine.StorageError(); err != nil {
		return s.refusal(err)
	}
	if err := sub.Send(ctx, false); err != nil {
		return s.refusal(err)
	}
	return nil
}

// await waits until the quotes of a submission are committed.
func (s *Server) await(ctx context.Context, sub *core.Submission) (*core.Outcome, error) {
	o, lost, err := sub.Wait(ctx)
	switch {
	case err == nil:
		return o, nil
	case errors.Is(err, core.ErrStorageLost):
		p := storageLost.because("ticks of this request were overwritten in memory before they " +
			"could be stored")
		p.members = s.appendOutcome([]byte{','}, o)
		p.members = appendInt(p.members, `,"committed":false,"lost":`, lost)
		return nil, p
	case errors.Is(err, context.DeadlineExceeded):
		return nil, storageTimeout.because("the quotes were taken and are not committed yet; " +
			"whether they will be is unknown, so number them with seq to send them again safely")
	case errors.Is(err, context.Canceled):
		return nil, err // By a sender who has gone.
	default:
		return nil, s.refusal(err)
	}
}

// refusal tells the engine's own reasons from those of storage.
func (s *Server) refusal(err error) error {
	for _, own := range []error{core.ErrInboxFull, core.ErrClosed, context.Canceled} {
		if errors.Is(err, own) {
			return err
		}
	}
	s.log.Warn("quotes refused, storage has failed", "detail", err)
	return storageFailed.because("storage has failed, so nothing can be acknowledged any more")
}

// appendAccepted appends what is known of quotes that were handed over, as members of an object.
func (s *Server) appendAccepted(dst []byte, o *core.Outcome) []byte {
	dst = appendInt(dst, `"received":`, o.Received)
	dst = appendInt(dst, `,"rejected":`, o.Rejected)
	return append(s.appendRejections(dst, o), `,"committed":false`...)
}

// appendCommitted appends what became of quotes that are committed, as members of an object.
func (s *Server) appendCommitted(dst []byte, o *core.Outcome) []byte {
	return append(s.appendOutcome(dst, o), `,"committed":true`...)
}

// appendOutcome appends what became of the quotes, as members of an object.
func (s *Server) appendOutcome(dst []byte, o *core.Outcome) []byte {
	dst = appendInt(dst, `"received":`, o.Received)
	dst = appendInt(dst, `,"stored":`, o.Stored)
	dst = appendInt(dst, `,"throttled":`, o.Throttled)
	dst = appendInt(dst, `,"rejected":`, o.Rejected)
	return s.appendRejections(dst, o)
}

func (s *Server) appendRejections(dst []byte, o *core.Outcome) []byte {
	dst = append(dst, `,"errors":[`...)
	for i := range o.Rejections {
		r := &o.Rejections[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendInt(dst, `{"line":`, int64(r.Line))
		dst = append(append(dst, `,"code":"`...), r.Reason.String()...)
		dst = appendString(append(dst, `","detail":`...), r.Text(s.symbols))
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// bodyFormats are the types of body that POST /ticks takes.
type bodyFormatName int

const (
	bodyJSON bodyFormatName = iota
	bodyNDJSON
	bodyCSV
)

var bodyTypes = []string{jsonType, ndjsonType, "text/csv"}

func bodyFormat(contentType []byte) (bodyFormatName, error) {
	media, _, _ := bytes.Cut(contentType, []byte{';'})
	name := strings.ToLower(string(bytes.TrimSpace(media)))
	for i, known := range bodyTypes {
		if name == known {
			return bodyFormatName(i), nil
		}
	}
	return 0, badMediaType.because("Content-Type must be one of " + strings.Join(bodyTypes, ", ") +
		", not \"" + cutText(name) + "\"")
}
