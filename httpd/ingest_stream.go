package httpd

import (
	"strconv"
	"sync/atomic"

	"github.com/valyala/fasthttp"
)

// Quotes over WebSocket: a client of /ws/ingest sends frames of NDJSON, text or binary, each of
// which is taken or refused like the body of one POST /ticks and answered by one message:
//
//	{"type":"ack","frame":1,"received":500,"stored":231,…,"errors":[],"committed":true}
//	{"type":"error","frame":2,"code":"INBOX_FULL","detail":"…","retryAfter":1}
//
// frame counts the client's frames from 1. Answers come in the order of the frames.

var tooManySenders = fault{503, "TOO_MANY_SENDERS", "Too many senders", 5}

// ingestCounts count what the sessions that send quotes did since this start.
type ingestCounts struct {
	sessions atomic.Int64 // Open now.
	turned   atomic.Int64 // Refused because there were too many.
	frames   atomic.Int64
	refused  atomic.Int64 // Frames of which nothing was taken.
	waited   atomic.Int64 // Frames that waited for earlier ones to be answered.
}

// getIngest hands the connection of a sender over to a session.
func (s *Server) getIngest(ctx *fasthttp.RequestCtx) error {
	if err := s.checkOrigin(ctx); err != nil {
		return err
	}
	ack, err := s.wantedAck(ctx)
	if err != nil {
		return err
	}
	if s.ingest.sessions.Load() >= int64(s.opts.Limits.Senders) {
		s.ingest.turned.Add(1)
		return tooManySenders.because("the server has as many sessions of /ws/ingest as it takes")
	}
	return s.hub.upgrade(ctx, newIngesting(s, ack == ackCommit))
}

// appendIngestStats appends the section ingest of /api/stats.
func (s *Server) appendIngestStats(dst []byte) []byte {
	c := &s.ingest
	dst = appendInt(dst, `,"ingest":{"sessions":`, c.sessions.Load())
	dst = appendInt(dst, `,"turnedAway":`, c.turned.Load())
	dst = appendInt(dst, `,"frames":`, c.frames.Load())
	dst = appendInt(dst, `,"framesRefused":`, c.refused.Load())
	dst = appendInt(dst, `,"framesWaited":`, c.waited.Load())
	return append(dst, '}')
}

// appendFrameError appends the answer to a frame of which nothing was taken, or whose fate p tells.
func appendFrameError(dst []byte, frame int64, p *problem) []byte {
	dst = appendInt(dst, `{"type":"error","frame":`, frame)
	dst = append(append(dst, `,"code":"`...), p.code...)
	dst = appendString(append(dst, `","detail":`...), p.detail)
	dst = append(dst, p.members...)
	if p.retryAfter > 0 {
		dst = append(dst, `,"retryAfter":`...)
		dst = strconv.AppendInt(dst, int64(p.retryAfter), 10)
	}
	return append(dst, '}')
}
