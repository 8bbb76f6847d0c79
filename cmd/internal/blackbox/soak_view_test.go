package blackbox

import (
	"net"
	"strconv"
	"strings"
	"time"
)

// soakKinds are what clients subscribe to; the viewers of ticks and events look at each message.
var soakKinds = []struct{ name, path, subscribe string }{
	{"ticks", "/ws?symbols=XRPUSD", `{"type":"subscribe","channel":"ticks","symbols":["EURUSD"]}`},
	{"quotes", "/ws", `{"type":"subscribe","channel":"quotes","maxRateHz":5}`},
	{"bars", "/ws", `{"type":"subscribe","channel":"bars:1m"}`},
	{"events", "/ws", `{"type":"subscribe","channel":"account:1"}`},
	{"default", "/ws?symbols=AUDUSD", ""},
	{"alerts", "/ws", `{"type":"subscribe","channel":"alerts"}`},
}

// soakViewer is a client that streams until the load ends.
type soakViewer struct {
	soak *soak
	kind int
	slow bool // It pauses, so that it misses something.

	seen          int64
	first, last   int64 // Time of a tick, or seq of an event.
	gaps, skipped int64
}

func (v *soakViewer) run() {
	kind := soakKinds[v.kind]
	socket, err := v.soak.dial(kind.path)
	if err != nil {
		v.soak.t.Errorf("a %s client: %v", kind.name, err)
		return
	}
	if tcp, ok := socket.conn.(*net.TCPConn); ok && v.slow {
		_ = tcp.SetReadBuffer(32 << 10) // Or the machine would read for it.
	}
	go func() {
		<-v.soak.over
		socket.close()
	}()
	if kind.subscribe != "" {
		if err := socket.send(kind.subscribe); err != nil {
			v.soak.t.Errorf("a %s client: %v", kind.name, err)
			return
		}
	}
	for n := 0; !v.soak.stop.Load(); n++ {
		text, err := socket.next()
		if v.soak.stop.Load() {
			return
		}
		if err != nil {
			v.soak.t.Errorf("a %s client after %d messages: %v", kind.name, v.seen, err)
			return
		}
		if fault := v.take(text); fault != "" {
			v.soak.t.Errorf("a %s client at %d: %s: %s", kind.name, v.last, fault, text)
			return
		}
		if v.slow && n%100_000 == 1000 {
			time.Sleep(6 * time.Second)
		}
	}
}

// take looks at one message and says what is wrong with it, or "".
func (v *soakViewer) take(text string) string {
	kind, name := messageText(text, "type"), soakKinds[v.kind].name
	switch {
	case kind == "error":
		return "refused"
	case kind == "gap" && name == "ticks":
		from, to := messageNumber(text, "from"), messageNumber(text, "to")
		skipped := messageNumber(text, "skipped")
		if from != v.last || to <= from || skipped <= 0 {
			return "not an honest gap"
		}
		v.last, v.gaps, v.skipped = to, v.gaps+1, v.skipped+skipped
	case kind == "tick" && name == "ticks" && strings.Contains(text, `"prev":`):
		return v.follow(messageNumber(text, "time"), messageNumber(text, "prev"))
	case name == "events" && strings.Contains(text, `"prev":`):
		return v.follow(messageNumber(text, "seq"), messageNumber(text, "prev"))
	case kind == "tick" || kind == "quote" || kind == "bar" || kind == "alert":
		v.seen++
	}
	return ""
}

// follow takes a message that names the one before it.
func (v *soakViewer) follow(at, prev int64) string {
	if v.first == 0 {
		v.first = at
	} else if prev != v.last || at <= prev {
		return "it does not follow"
	}
	v.last = at
	v.seen++
	return ""
}

// messageNumber reads a number of a message, messageText a word. Taking whole messages apart would
// cost more than sending them.
func messageNumber(text, name string) int64 {
	n, err := strconv.ParseInt(messageValue(text, name), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func messageText(text, name string) string { return strings.Trim(messageValue(text, name), `"`) }

func messageValue(text, name string) string {
	_, value, _ := strings.Cut(text, `"`+name+`":`)
	end := strings.IndexAny(value, ",}")
	if end < 0 {
		return ""
	}
	return value[:end]
}
