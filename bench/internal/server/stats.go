package server

// Stats is what the load generator needs of GET /api/stats.
type Stats struct {
	Quotes *QuoteCounts `json:"quotes"`
	Ticks  *TickCounts  `json:"ticks"`
	// Server has no resident bytes where the engine does not say what it holds.
	Server struct {
		ResidentBytes int64 `json:"residentBytes"`
	} `json:"server"`
}

// QuoteCounts are the fates of quotes.
type QuoteCounts struct {
	Received  int64 `json:"received"`
	Stored    int64 `json:"stored"`
	Throttled int64 `json:"throttled"`
	Rejected  int64 `json:"rejected"`
	// Exact is false when the counters are not of one moment, so that their sum may be off.
	Exact *bool `json:"exact,omitempty"`
}

// TickCounts are the fates of stored ticks.
type TickCounts struct {
	Stored    int64 `json:"stored"`
	Committed int64 `json:"committed"`
	Pending   int64 `json:"pending"`
	Lost      int64 `json:"lost"`
}

// Stats asks for the engine's counters.
func (c *Client) Stats() (Stats, error) {
	var s Stats
	err := c.Get("/api/stats", &s)
	return s, err
}

// counted says that the sums of the counters mean something.
func (s *Stats) counted() bool {
	return s.Quotes != nil && (s.Quotes.Exact == nil || *s.Quotes.Exact)
}

// QuotesRemainder is what is missing of received = stored + throttled + rejected; false if the
// engine does not count, or not at one moment.
func (s *Stats) QuotesRemainder() (int64, bool) {
	if !s.counted() {
		return 0, false
	}
	q := s.Quotes
	return q.Received - q.Stored - q.Throttled - q.Rejected, true
}

// TicksRemainder is what is missing of stored = committed + pending + lost.
func (s *Stats) TicksRemainder() (int64, bool) {
	if s.Ticks == nil || !s.counted() {
		return 0, false
	}
	t := s.Ticks
	return t.Stored - t.Committed - t.Pending - t.Lost, true
}

// Since returns what was counted after an earlier look. Pending may be negative: fewer wait now.
func (s *Stats) Since(before *Stats) Stats {
	since := *s
	if s.Quotes != nil && before.Quotes != nil {
		a, b := s.Quotes, before.Quotes
		since.Quotes = &QuoteCounts{
			Received: a.Received - b.Received, Stored: a.Stored - b.Stored,
			Throttled: a.Throttled - b.Throttled, Rejected: a.Rejected - b.Rejected, Exact: a.Exact,
		}
	}
	if s.Ticks != nil && before.Ticks != nil {
		a, b := s.Ticks, before.Ticks
		since.Ticks = &TickCounts{
			Stored: a.Stored - b.Stored, Committed: a.Committed - b.Committed,
			Pending: a.Pending - b.Pending, Lost: a.Lost - b.Lost,
		}
	}
	return since
}
