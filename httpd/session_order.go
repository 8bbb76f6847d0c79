package httpd

// sessionOrder is what the hub or the session's reader wants the session's writer to do. Orders are
// carried out one by one, each in the order of its fields.
type sessionOrder struct {
	canceled []canceledReplay // Replays that lose symbols.
	switches []streamSwitch   // First all old logs are sent to their ends …
	text     []byte           // … then these frames …
	joined   *streamReplay    // … then the rest of a replay that has caught up …
	replay   *streamReplay    // … and the new logs begin. A replay begins.
	closing  int              // Then the connection is closed with this code, if not 0.
	reason   string
}

type canceledReplay struct {
	replay  *streamReplay
	symbols streamSymbols
}

// say adds a message.
func (o *sessionOrder) say(payload []byte) {
	o.text = append(o.text, sealFrame(append(frameStart(nil), payload...))...)
}

// farewell tells a client that the server goes, and closes its connection.
func farewell() *sessionOrder {
	o := &sessionOrder{closing: closeGoingAway, reason: "shutdown"}
	o.say([]byte(streamShutdown))
	return o
}

// switchTo lets the session take exactly symbols of a stream.
func (o *sessionOrder) switchTo(h *hub, s *session, key streamKey, symbols streamSymbols) {
	if w, ok := h.switchTo(s, key, symbols); ok {
		o.switches = append(o.switches, w)
	}
}

const (
	// ordersMax is how many orders a client's messages can pile up; its next message is not read
	// before the writer has got on.
	ordersMax = 16
)

// push hands an order to the writer. It never waits.
func (s *session) push(o *sessionOrder) {
	s.orders.Lock()
	s.orders.list = append(s.orders.list, o)
	s.orders.Unlock()
	s.signal()
}

// answer pushes one message.
func (s *session) answer(payload []byte) {
	o := &sessionOrder{}
	o.say(payload)
	s.push(o)
}

// end closes the connection with a code, after what is due to the client.
func (s *session) end(code int, reason string) {
	s.purpose.goodbye(s, &sessionOrder{closing: code, reason: reason})
}

// pong queues the answer to a ping. Only the last of several is answered, as the protocol allows,
// so that pings cannot pile up.
func (s *session) pong(payload []byte) {
	s.orders.Lock()
	s.orders.pong = append(s.orders.pong[:0], payload...)
	s.orders.pongDue = true
	s.orders.Unlock()
	s.signal()
}

// takeOrders returns what was pushed since the last call, and appends a pong to dst if one is due.
func (s *session) takeOrders(dst []byte) ([]*sessionOrder, []byte) {
	s.orders.Lock()
	defer s.orders.Unlock()
	if s.orders.pongDue {
		dst = appendControl(dst, framePong, s.orders.pong)
		s.orders.pongDue = false
	}
	list := s.orders.list
	if len(list) > 0 {
		s.orders.list = nil
		select {
		case s.orders.room <- struct{}{}:
		default:
		}
	}
	return list, dst
}

// waitRoom waits until the writer has taken the orders that piled up; false when it has ended.
func (s *session) waitRoom() bool {
	for {
		s.orders.Lock()
		n := len(s.orders.list)
		s.orders.Unlock()
		if n < ordersMax {
			return true
		}
		select {
		case <-s.orders.room:
		case <-s.written:
			return false
		}
	}
}

// signal wakes the writer.
func (s *session) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
