package server

// Stats is what the load generator needs of GET /api/stats.
type Stats struct {
	Quotes *struct {
		Received  int64 `json:"received"`
		Stored    int64 `json:"stored"`
		Throttled int64 `json:"throttled"`
		Rejected  int64 `json:"rejected"`
	} `json:"quotes"`
	Ticks *struct {
		Stored    int64 `json:"stored"`
		Committed int64 `json:"committed"`
		Pending   int64 `json:"pending"`
		Lost      int64 `json:"lost"`
	} `json:"ticks"`
	// Memory is absent where the engine does not say what it holds.
	Memory *struct {
		ResidentBytes int64 `json:"residentBytes"`
	} `json:"memory"`
}

// Stats asks for the engine's counters.
func (c *Client) Stats() (Stats, error) {
	var s Stats
	err := c.get("/api/stats", &s)
	return s, err
}

// QuotesRemainder is what is missing of received = stored + throttled + rejected; false if the
// engine does not count.
func (s *Stats) QuotesRemainder() (int64, bool) {
	if s.Quotes == nil {
		return 0, false
	}
	q := s.Quotes
	return q.Received - q.Stored - q.Throttled - q.Rejected, true
}

// TicksRemainder is what is missing of stored = committed + pending + lost.
func (s *Stats) TicksRemainder() (int64, bool) {
	if s.Ticks == nil {
		return 0, false
	}
	t := s.Ticks
	return t.Stored - t.Committed - t.Pending - t.Lost, true
}
