package alert

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"tradingengine/core"
)

// FireID is a hash of the rule, its revision and the cause, so that one cause fires a rule once,
// also when it comes again after a crash.
type FireID [16]byte

// String returns 32 hexadecimal digits.
func (id FireID) String() string { return hex.EncodeToString(id[:]) }

// ParseFireID reads what String printed.
func ParseFireID(s string) (id FireID, ok bool) {
	if len(s) != 2*len(id) {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(s))
	return id, err == nil && id.String() == s
}

// Cause is what made a rule fire: a quote, an event, or the instant since when something was so.
type Cause struct {
	Symbol core.SymbolID // With Quote.
	Quote  core.Time     // Stored time of a quote; 0 for another cause.
	Event  uint64        // Seq of an event; 0 for another cause.
	Since  core.Time     // Otherwise: since when.
	Check  string        // The built-in check.
	Test   bool          // Somebody wanted to see it.
}

// FireID is the id of the fire of a cause.
func (r *Rule) FireID(c *Cause) (id FireID) {
	var b [50]byte
	le := binary.LittleEndian
	le.PutUint64(b[0:], uint64(r.ID))
	le.PutUint64(b[8:], uint64(r.Revision))
	le.PutUint64(b[16:], uint64(c.Quote))
	le.PutUint64(b[24:], c.Event)
	le.PutUint64(b[32:], uint64(c.Since))
	le.PutUint16(b[40:], uint16(c.Symbol))
	if c.Quote == 0 {
		le.PutUint16(b[40:], 0)
	}
	if c.Test {
		b[49] = 1
	}
	h := sha256.New()
	h.Write(b[:])
	h.Write([]byte(c.Check))
	copy(id[:], h.Sum(nil))
	return id
}

// Fire is one time that a rule fired, and what became of it.
type Fire struct {
	ID       FireID
	Seq      uint64 // 1, 2, 3, … in the order they were made.
	Rule     RuleID
	Revision int64
	Kind     Kind
	Status   Status
	Severity Severity
	Title    string
	// Symbol counts when HasSymbol; Account is 0 for none.
	Symbol    core.SymbolID
	HasSymbol bool
	Account   int64
	// Value and Threshold are plain decimals, empty when there is none.
	Value, Threshold string
	Cause            Cause
	Channels         Channels
	CreatedAt        core.Time
	UpdatedAt        core.Time
	SnoozedUntil     core.Time // 0 unless Snoozed.
}

// Filter chooses fires. The zero value chooses all.
type Filter struct {
	Accounts []int64 // Only of these.
	Statuses []Status
	Since    core.Time // Made at that time or later.
	After    uint64    // With a greater seq.
}

// Changes are what a book did since they were last taken, for whoever stores them.
type Changes struct {
	Rules   []Rule // As they are now, each once.
	Removed []RuleID
	Fires   []FireChange // In order; one fire may stand there more than once.
}

// FireChange is a fire as it became.
type FireChange struct {
	Fire
	New  bool // It fired just now.
	Wake bool // Its snooze is over.
}

// Len counts what there is.
func (c *Changes) Len() int { return len(c.Rules) + len(c.Removed) + len(c.Fires) }

// Reset empties them for use again.
func (c *Changes) Reset() {
	clear(c.Rules)
	clear(c.Fires)
	c.Rules, c.Removed, c.Fires = c.Rules[:0], c.Removed[:0], c.Fires[:0]
}
