package httpd

import (
	"context"
	"errors"
	"sync"
)

// addStream makes the hub that answers GET /ws.
func (s *Server) addStream() {
	s.hub = newHub(hubOptions{
		engine: s.engine, desk: s.opts.Desk, history: s.opts.History,
		log: s.log, fail: s.fail, now: s.now, identify: s.whose,
		sessions: s.opts.Limits.Sessions, unsent: s.opts.Limits.Unsent,
	})
	s.stream = s.hub.serve
}

// runStream lets the hub work until the function it returns is called.
func (s *Server) runStream() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.hub.run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// Shutdown says goodbye to the streams, stops listening, waits for the requests under way and
// closes their connections, at most until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	return errors.Join(s.hub.shutdown(ctx), s.listeners.close(),
		ignoreClosed(s.http.ShutdownWithContext(ctx)))
}

// appendStreamStats appends the section stream of /api/stats.
func (s *Server) appendStreamStats(dst []byte) []byte {
	h := s.hub.stats()
	dst = appendInt(dst, `,"stream":{"sessions":`, h.Sessions)
	dst = appendInt(dst, `,"opened":`, h.Opened)
	dst = appendInt(dst, `,"turnedAway":`, h.TurnedAway)
	dst = appendInt(dst, `,"framed":`, h.Framed)
	dst = appendInt(dst, `,"delivered":`, h.Delivered)
	dst = appendInt(dst, `,"writes":`, h.Writes)
	dst = appendInt(dst, `,"bytes":`, h.Bytes)
	dst = appendInt(dst, `,"gaps":`, h.Gaps)
	dst = appendInt(dst, `,"skipped":`, h.Skipped)
	dst = appendInt(dst, `,"slow":`, h.Slow)
	dst = appendInt(dst, `,"silent":`, h.Silent)
	dst = appendInt(dst, `,"refusedMessages":`, h.Refused)
	return append(dst, '}')
}
