package logs

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Handler prints records as lines of time, text and key=value. It writes each line with one Write
// and is safe for any goroutine.
type Handler struct {
	out   *lockedWriter
	level slog.Level
	now   func() time.Time
	attrs []byte // Of With, printed once.
	group string
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// NewHandler prints records of level and above to w.
func NewHandler(w io.Writer, level slog.Level, now func() time.Time) *Handler {
	return &Handler{out: &lockedWriter{w: w}, level: level, now: now}
}

// Enabled reports whether records of level are printed.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

// Handle prints one record.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	line := make([]byte, 0, 160)
	line = h.now().UTC().AppendFormat(line, "2006-01-02T15:04:05.000Z")
	line = append(line, ' ')
	if r.Level >= slog.LevelWarn {
		line = append(line, r.Level.String()...)
		line = append(line, ' ')
	}
	line = append(line, oneLine(r.Message)...)
	line = append(line, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		line = appendAttr(line, h.group, a)
		return true
	})
	line = append(line, '\n')
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	_, err := h.out.w.Write(line)
	return err
}

// WithAttrs returns a handler that prints attrs on every line.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append([]byte(nil), h.attrs...)
	for _, a := range attrs {
		c.attrs = appendAttr(c.attrs, h.group, a)
	}
	return &c
}

// WithGroup returns a handler whose keys start with name and a point.
func (h *Handler) WithGroup(name string) slog.Handler {
	c := *h
	c.group += name + "."
	return &c
}

func appendAttr(line []byte, group string, a slog.Attr) []byte {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		for _, member := range v.Group() {
			line = appendAttr(line, group+a.Key+".", member)
		}
		return line
	}
	if a.Key == "" {
		return line
	}
	line = append(line, ' ')
	line = append(line, group...)
	line = append(line, a.Key...)
	line = append(line, '=')
	text := v.String()
	if v.Kind() == slog.KindDuration {
		text = v.Duration().Round(time.Microsecond).String()
	}
	if needsQuotes(text) {
		return strconv.AppendQuote(line, text)
	}
	return append(line, text...)
}

func needsQuotes(s string) bool {
	return s == "" || strings.ContainsFunc(s, func(r rune) bool {
		return r == ' ' || r == '"' || r == '=' || !unicode.IsPrint(r)
	})
}

// oneLine keeps outside text from starting a line of its own.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r", `\r`, "\n", `\n`).Replace(s)
}

// split sends records to the main log, and what is too fine for it to the debug log.
type split struct{ main, debug slog.Handler }

func (s *split) Enabled(ctx context.Context, level slog.Level) bool {
	return s.debug.Enabled(ctx, level)
}

func (s *split) Handle(ctx context.Context, r slog.Record) error {
	if !s.main.Enabled(ctx, r.Level) {
		return s.debug.Handle(ctx, r)
	}
	return s.main.Handle(ctx, r)
}

func (s *split) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &split{s.main.WithAttrs(attrs), s.debug.WithAttrs(attrs)}
}

func (s *split) WithGroup(name string) slog.Handler {
	return &split{s.main.WithGroup(name), s.debug.WithGroup(name)}
}
