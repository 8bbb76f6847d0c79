package alert

import (
	"errors"
	"slices"

	"tradingengine/core"
	"tradingengine/core/heap"
)

// Options describe a book. Zero values mean the default given.
type Options struct {
	Symbols    *core.Registry // Needed.
	RulesMax   int            // Rules beside the built-in one; default 10,000.
	FiresMax   int            // Fires that are not resolved; default 10,000.
	WindowsMax int            // Different price and time of PRICE_MOVE for a symbol; default 16.
}

// Book is all rules and the fires that are not resolved. One goroutine owns it and calls all its
// methods. Inputs come in order, each with the trading time at which it happens; an earlier time
// counts as the latest there was.
type Book struct {
	options Options
	now     core.Time

	rules    map[RuleID]*rule
	list     []*rule // By id.
	lastRule RuleID
	fires    map[FireID]*fire // Not resolved.
	open     []*fire          // The same by seq.
	lastFire uint64
	recent   recent

	markets  []market // By symbol id.
	accounts map[int64]*account
	tracked  []*account // The same, in the order in which they came.
	events   []*rule    // Active ones of ORDER_EVENT, by id.
	checks   map[string]*fire

	timers   heap.Levels // Rules by the time at which something is due.
	expiries heap.Levels // Rules by their expireAt.
	wakes    heap.Levels // Fires by the end of their snooze; ids are seqs.

	changes Changes
	dirty   []*rule // To be told as changed.
	changed uint64
	asked   []int64 // Accounts for TakeAccounts.
	flips   []core.SymbolID
	reached []int64
	counts  Counts
}

// Counts are counters since this start.
type Counts struct {
	Rules     int   // There are now.
	Open      int   // Fires that are not resolved, now.
	Fires     int64 // Made.
	Repeated  int64 // Not made again, because the cause had fired already.
	Swallowed int64 // Not made, because the rule had fired within its cooldown.
	Refused   int64 // Rules refused because there were too many, or too many windows.
	Crowded   int64 // Fires resolved because there were too many.
}

// rule is a rule in the book.
type rule struct {
	Rule
	meter   *meter // Of kinds with a level, while active.
	window  *window
	account *account
	active  bool // It may still fire.

	at      int32 // In a heap of the meter,
	timerAt int32 // in timers,
	expires int32 // in expiries; −1 for not.
	rising  bool  // It stands in meter.up.
	// Of SPREAD_ABOVE: wide since the quote of that time; 0 when it is not, or fired.
	wide  core.Time
	dirty bool
}

// fire is a fire in the book.
type fire struct {
	Fire
	wakeAt int32
}

// market is what rules need of a symbol.
type market struct {
	bid, ask, mid, spread meter
	windows               []*window // Of which some rule is active.
	// quote is the newest. Before the first its time alone is set: no older quote is new.
	quote     Quote
	arrived   core.Time // When it came, or the symbol was first watched.
	stale     []*rule   // Active ones of FEED_STALE, by id.
	returning int       // Of these, how many wait for a quote to be armed again.
	needs     int       // Active rules.

	reported, flipped bool // What TakeActivity said last; it stands in Book.flips.
}

// Quote is an accepted quote of a watched symbol.
type Quote struct {
	Symbol   core.SymbolID
	Time     core.Time // Strictly increasing per symbol.
	Bid, Ask core.Price
}

// ErrOptions is returned for options that cannot work.
var ErrOptions = errors.New("alert options")

// New returns a book with nothing but the built-in rule.
func New(options Options) (*Book, error) {
	if options.Symbols == nil {
		return nil, ErrOptions
	}
	for _, o := range []struct {
		v         *int
		otherwise int
	}{{&options.RulesMax, 10_000}, {&options.FiresMax, 10_000}, {&options.WindowsMax, 16}} {
		if *o.v == 0 {
			*o.v = o.otherwise
		}
		if *o.v < 0 {
			return nil, ErrOptions
		}
	}
	b := &Book{
		options: options, rules: map[RuleID]*rule{}, fires: map[FireID]*fire{},
		markets: make([]market, options.Symbols.Len()), accounts: map[int64]*account{},
		checks: map[string]*fire{}, recent: newRecent(),
	}
	b.add(Rule{
		ID: BuiltIn, Revision: 1, Name: "built-in checks", Kind: System, Frequency: EveryCross,
		Severity: High, Channels: AllChannels, Enabled: true, CreatedAt: 1,
		State: State{Status: Armed},
	})
	return b, nil
}

// Stored is what a book starts with again.
type Stored struct {
	Rules    []Rule
	Fires    []Fire // Those that are not resolved, by seq.
	Recent   []FireID
	LastRule RuleID
	LastFire uint64
}

// Load takes what was stored. It comes before any input; now is the trading time of the start.
func (b *Book) Load(now core.Time, s *Stored) {
	b.now = now
	b.lastRule, b.lastFire = max(b.lastRule, s.LastRule), s.LastFire
	for i := range s.Recent {
		b.recent.add(s.Recent[i])
	}
	for i := range s.Rules {
		if r := s.Rules[i]; r.ID == BuiltIn {
			b.rules[BuiltIn].Rule = r
		} else {
			b.add(r)
		}
	}
	for i := range s.Fires {
		f := &fire{Fire: s.Fires[i], wakeAt: -1}
		b.keep(f)
	}
}

// add puts a rule into the book.
func (b *Book) add(r Rule) *rule {
	x := &rule{Rule: r, at: -1, timerAt: -1, expires: -1}
	b.rules[r.ID] = x
	at, _ := b.find(r.ID)
	b.list = slices.Insert(b.list, at, x)
	b.lastRule = max(b.lastRule, r.ID)
	b.enter(x)
	return x
}

// find returns where a rule stands in the list.
func (b *Book) find(id RuleID) (at int, found bool) {
	return slices.BinarySearchFunc(b.list, id, func(r *rule, id RuleID) int { return int(r.ID - id) })
}

// touch notes that a rule must be stored.
func (b *Book) touch(r *rule) {
	b.changed++
	if !r.dirty {
		r.dirty = true
		b.dirty = append(b.dirty, r)
	}
}

// note notes what became of a fire.
func (b *Book) note(c FireChange) {
	b.changed++
	b.changes.Fires = append(b.changes.Fires, c)
}

// Changed counts what ever was to be stored; whoever compares it before and after an input knows
// whether that left something.
func (b *Book) Changed() uint64 { return b.changed }

// Waiting is the number of changes that were not taken.
func (b *Book) Waiting() int { return len(b.dirty) + len(b.changes.Removed) + len(b.changes.Fires) }

// Take appends the changes since the last call to dst and forgets them. A rule that changed more
// than once stands there once.
func (b *Book) Take(dst *Changes) {
	for _, r := range b.dirty {
		if r.dirty = false; b.rules[r.ID] == r {
			dst.Rules = append(dst.Rules, r.Rule)
		}
	}
	clear(b.dirty)
	b.dirty = b.dirty[:0]
	dst.Removed = append(dst.Removed, b.changes.Removed...)
	dst.Fires = append(dst.Fires, b.changes.Fires...)
	b.changes.Reset()
}

// Counts returns the counters.
func (b *Book) Counts() Counts {
	c := b.counts
	c.Rules, c.Open = len(b.list), len(b.open)
	return c
}

// Active reports whether every quote of the symbol must come to the book.
func (b *Book) Active(id core.SymbolID) bool { return b.markets[id].needs > 0 }

// TakeActivity appends the symbols whose Active has changed since the last call.
func (b *Book) TakeActivity(dst []core.SymbolID) []core.SymbolID {
	for _, id := range b.flips {
		k := &b.markets[id]
		k.flipped = false
		if active := k.needs > 0; active != k.reported {
			k.reported = active
			dst = append(dst, id)
		}
	}
	b.flips = b.flips[:0]
	return dst
}

// need counts a rule that starts or ends to need a symbol's quotes.
func (b *Book) need(id core.SymbolID, n int) {
	k := &b.markets[id]
	k.needs += n
	if (k.needs > 0) != k.reported && !k.flipped {
		k.flipped = true
		b.flips = append(b.flips, id)
	}
}

// recent are the ids of the newest fires, so that a cause that comes again is known.
type recent struct {
	known map[FireID]struct{}
	ring  []FireID
	next  int
}

// RecentMax is how many of the newest fires are known by their id.
const RecentMax = 16_384

func newRecent() recent { return recent{known: map[FireID]struct{}{}} }

func (s *recent) has(id FireID) bool {
	_, known := s.known[id]
	return known
}

func (s *recent) add(id FireID) {
	s.known[id] = struct{}{}
	if len(s.ring) < RecentMax {
		s.ring = append(s.ring, id)
		return
	}
	delete(s.known, s.ring[s.next])
	s.ring[s.next] = id
	s.next = (s.next + 1) % RecentMax
}
