package torture

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"tradingengine/bench/internal/server"
)

// ErrPaging is returned for an answer that asking for what follows it would never get past.
var ErrPaging = errors.New("a page of ticks does not go on from the one before")

const (
	ticksPageMost = 50_000 // An answer holds no more.
	barsPageMost  = 5_000
	barsNewest    = 20
	examplesMost  = 5
)

// Findings are what a server did wrong, and how much was compared to find it.
type Findings struct {
	// NotBack is how often the server did not come back after a kill, or ended by itself.
	NotBack int64
	// LostQuotes were acknowledged, and the volumes of the bars do not hold them; DoubledQuotes
	// are held beyond those that were sent.
	LostQuotes, DoubledQuotes int64
	// Ticks that must be there and are not, that must not be there, and of other prices.
	MissingTicks, ExtraTicks, WrongTicks int64
	WrongBars                            int64
	// WrongAnswers are answers and counters that do not say what happened.
	WrongAnswers int64
	// TicksCompared and BarsCompared count every comparison, also of the same again.
	TicksCompared, BarsCompared int64
	// Examples describe the first few.
	Examples []string
}

// Clean says that nothing was wrong.
func (f *Findings) Clean() bool {
	return f.NotBack+f.LostQuotes+f.DoubledQuotes+f.MissingTicks+f.ExtraTicks+f.WrongTicks+f.WrongBars+
		f.WrongAnswers == 0
}

// note counts n things of a kind, with an example of the first few of all.
func (f *Findings) note(count *int64, n int64, format string, args ...any) {
	if n == 0 {
		return
	}
	*count += n
	if len(f.Examples) < examplesMost {
		f.Examples = append(f.Examples, fmt.Sprintf(format, args...))
	}
}

// checker compares a running server with what senders know.
type checker struct {
	client              *server.Client
	found               *Findings
	ticksPage, barsPage int // How much is asked for at once.
}

func newChecker(client *server.Client, found *Findings) *checker {
	return &checker{client: client, found: found, ticksPage: ticksPageMost, barsPage: barsPageMost}
}

// held is how many quotes the bars of a symbol hold.
func (c *checker) held(m *market) (total int64, err error) {
	path := fmt.Sprintf("/ohlc?symbol=%s&timeframe=1w&limit=%d", m.symbol, barsPageMost)
	bars, err := c.page(path, m)
	for _, b := range bars {
		total += b.volume
	}
	return total, err
}

// newest says whether the newest tick is the one it must be.
func (c *checker) newest(m *market) (bool, error) {
	ticks, err := c.tickPage(fmt.Sprintf("/ticks?symbol=%s&limit=1", m.symbol), m)
	return len(ticks) == 1 && ticks[0] == m.newest || len(ticks) == 0 && m.mid == 0, err
}

// ticks compares those that were not compared yet.
func (c *checker) ticks(m *market) error {
	at := 0
	err := c.eachTick(m, m.compared.last, func(got tick) {
		for at < len(m.fresh) && m.fresh[at].time < got.time {
			c.found.note(&c.found.MissingTicks, 1, "%s: tick %v is missing", m.symbol, m.fresh[at])
			at++
		}
		if at == len(m.fresh) || m.fresh[at].time > got.time {
			c.found.note(&c.found.ExtraTicks, 1, "%s: tick %v must not be there", m.symbol, got)
			return
		}
		if want := m.fresh[at]; got != want {
			c.found.note(&c.found.WrongTicks, 1, "%s: tick %v, want %v", m.symbol, got, want)
		}
		at++
	})
	if err != nil {
		return err
	}
	if missing := m.fresh[at:]; len(missing) > 0 {
		c.found.note(&c.found.MissingTicks, int64(len(missing)), "%s: the last %d ticks are missing, "+
			"from %v on", m.symbol, len(missing), missing[0])
	}
	for _, t := range m.fresh {
		m.compared.add(t)
	}
	m.fresh = m.fresh[:0]
	return nil
}

// allTicks compares all ticks with those that were compared one by one before.
func (c *checker) allTicks(m *market) error {
	var got ledger
	if err := c.eachTick(m, begin-1, func(t tick) { got.add(t) }); err != nil {
		return err
	}
	want := m.compared
	const text = "%s: %d ticks at the end, want %d"
	c.found.note(&c.found.MissingTicks, max(want.count-got.count, 0), text, m.symbol, got.count,
		want.count)
	c.found.note(&c.found.ExtraTicks, max(got.count-want.count, 0), text, m.symbol, got.count,
		want.count)
	if got.count == want.count && got.hash != want.hash {
		c.found.note(&c.found.WrongTicks, 1, "%s: a tick is another than it was before", m.symbol)
	}
	return nil
}

// eachTick goes through all ticks of a symbol after a time.
func (c *checker) eachTick(m *market, from int64, take func(tick)) error {
	for {
		page, err := c.tickPage(fmt.Sprintf("/ticks?symbol=%s&limit=%d&from=%d", m.symbol, c.ticksPage,
			from), m)
		if err != nil {
			return err
		}
		for _, t := range page {
			c.found.TicksCompared++
			take(t)
		}
		if len(page) < c.ticksPage {
			return nil
		}
		next := page[len(page)-1].time
		if next <= from {
			return fmt.Errorf("%s: %w", m.symbol, ErrPaging)
		}
		from = next
	}
}

func (c *checker) tickPage(path string, m *market) ([]tick, error) {
	var list []struct {
		Bid  json.RawMessage `json:"bid"`
		Ask  json.RawMessage `json:"ask"`
		Time int64           `json:"time"`
		LP   string          `json:"lp"`
	}
	if err := c.client.Get(path, &list); err != nil {
		return nil, err
	}
	page := make([]tick, 0, len(list))
	for _, t := range list {
		bid, err := server.Points(t.Bid, m.digits)
		ask, err2 := server.Points(t.Ask, m.digits)
		if err := errors.Join(err, err2); err != nil {
			return nil, fmt.Errorf("GET %s: %w", path, err)
		}
		if t.LP != m.source {
			c.found.note(&c.found.WrongTicks, 1, "%s: tick of %q, want %q", m.symbol, t.LP, m.source)
		}
		page = append(page, tick{t.Time, bid, ask})
	}
	return page, nil
}

// bars compares the newest bars of each frame and side, or all of them.
func (c *checker) bars(m *market, all bool) error {
	for f := range frames {
		for side := range sides {
			path := "/ohlc?symbol=" + m.symbol + "&timeframe=" + frames[f].name + "&price=" + sides[side]
			if err := c.barsOf(m, f, side, all, path); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *checker) barsOf(m *market, f, side int, all bool, path string) error {
	want := m.bars[f]
	newest := int64(0)
	if len(want) > 0 {
		newest = want[len(want)-1].time
	}
	if !all {
		want = want[max(0, len(want)-barsNewest):]
		got, err := c.page(path+"&limit="+strconv.Itoa(barsNewest), m)
		if err != nil {
			return err
		}
		c.compareBars(path, got, want, side, newest)
		return nil
	}
	from := begin / 1e6
	for {
		got, err := c.page(fmt.Sprintf("%s&limit=%d&from=%d", path, c.barsPage, from), m)
		if err != nil {
			return err
		}
		last := len(got) < c.barsPage
		expected := want
		if !last {
			expected = want[:min(len(got), len(want))]
		}
		c.compareBars(path, got, expected, side, newest)
		if last {
			return nil
		}
		want = want[len(expected):]
		from = got[len(got)-1].time + 1
	}
}

// answered is a bar as it was answered: one side of it, in tenths of a point.
type answered struct {
	time     int64
	prices   prices
	volume   int64
	complete bool
}

// tenths are what a unit of each side is: a mid is in half points.
var tenths = [len(sides)]int64{5, 10, 10}

func (c *checker) compareBars(path string, got []answered, want []bar, side int, newest int64) {
	c.found.BarsCompared += int64(len(want))
	if len(got) != len(want) {
		c.found.note(&c.found.WrongBars, max(int64(len(got)-len(want)), int64(len(want)-len(got))),
			"%s: %d bars, want %d", path, len(got), len(want))
		return
	}
	for i, b := range want {
		p, unit := b.sides[side], tenths[side]
		expected := answered{
			b.time,
			prices{p.open * unit, p.high * unit, p.low * unit, p.close * unit},
			b.volume,
			b.time != newest,
		}
		if got[i] != expected {
			c.found.note(&c.found.WrongBars, 1, "%s: bar %+v, want %+v", path, got[i], expected)
		}
	}
}

// page reads bars of one side.
func (c *checker) page(path string, m *market) ([]answered, error) {
	var list []struct {
		Time     int64           `json:"time"`
		Open     json.RawMessage `json:"open"`
		High     json.RawMessage `json:"high"`
		Low      json.RawMessage `json:"low"`
		Close    json.RawMessage `json:"close"`
		Volume   int64           `json:"volume"`
		Complete bool            `json:"complete"`
	}
	if err := c.client.Get(path, &list); err != nil {
		return nil, err
	}
	page := make([]answered, 0, len(list))
	for _, l := range list {
		b := answered{time: l.Time, volume: l.Volume, complete: l.Complete}
		p := &b.prices
		for _, field := range []struct {
			text json.RawMessage
			into *int64
		}{{l.Open, &p.open}, {l.High, &p.high}, {l.Low, &p.low}, {l.Close, &p.close}} {
			var err error
			if *field.into, err = server.Points(field.text, m.digits+1); err != nil {
				return nil, fmt.Errorf("GET %s: %w", path, err)
			}
		}
		page = append(page, b)
	}
	return page, nil
}
