package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrSymbol is returned for a symbol that the engine does not have.
var ErrSymbol = errors.New("the engine has no such symbol")

// Config is what the load generator needs of GET /api/config.
type Config struct {
	Version   string `json:"version"`
	Feed      string `json:"feed"`
	Simulated bool   `json:"simulated"`
}

// Instrument is a symbol with its last price, in points of 10^-Digits.
type Instrument struct {
	Symbol string
	Digits int
	// Bid and Ask are 0 while the engine has no price.
	Bid, Ask int64
}

// Survey is the engine as it was before the run.
type Survey struct {
	Config      Config
	Instruments []Instrument
	// HasAccounts says that GET /api/account/summary exists.
	HasAccounts bool
}

// Survey asks the engine for its configuration, symbols and prices.
func (c *Client) Survey() (Survey, error) {
	var s Survey
	if err := c.Get("/api/config", &s.Config); err != nil {
		return Survey{}, err
	}
	var err error
	if s.Instruments, err = c.instruments(); err != nil {
		return Survey{}, err
	}
	status, err := c.Status("/api/account/summary")
	if err != nil {
		return Survey{}, err
	}
	s.HasAccounts = status != 404
	return s, nil
}

// priceText is a JSON number as written, or nothing for null.
type priceText struct {
	Symbol string          `json:"symbol"`
	Digits *int            `json:"digits"`
	Bid    json.RawMessage `json:"bid"`
	Ask    json.RawMessage `json:"ask"`
}

// instruments joins /api/symbols with /api/quotes: a price in either means that the market is not
// empty.
func (c *Client) instruments() ([]Instrument, error) {
	var symbols, quotes []priceText
	if err := c.Get("/api/symbols", &symbols); err != nil {
		return nil, err
	}
	if err := c.Get("/api/quotes", &quotes); err != nil {
		return nil, err
	}
	if len(symbols) == 0 {
		return nil, fmt.Errorf("GET /api/symbols: %w: no symbols", ErrAnswer)
	}
	latest := make(map[string]priceText, len(quotes))
	for _, q := range quotes {
		latest[q.Symbol] = q
	}
	list := make([]Instrument, 0, len(symbols))
	for _, s := range symbols {
		if s.Digits == nil || *s.Digits < 0 || *s.Digits > 9 || s.Symbol == "" {
			return nil, fmt.Errorf("GET /api/symbols: %w: symbol %q has no valid digits",
				ErrAnswer, s.Symbol)
		}
		q := latest[s.Symbol]
		if len(q.Bid) == 0 {
			q = s
		}
		instrument := Instrument{Symbol: s.Symbol, Digits: *s.Digits}
		var err error
		if instrument.Bid, err = Points(q.Bid, *s.Digits); err == nil {
			instrument.Ask, err = Points(q.Ask, *s.Digits)
		}
		if err != nil {
			return nil, fmt.Errorf("price of %s: %w", s.Symbol, err)
		}
		list = append(list, instrument)
	}
	return list, nil
}

// Points reads a decimal exactly, in units of 10^-digits; absent and null are 0.
func Points(text []byte, digits int) (int64, error) {
	if len(text) == 0 || bytes.Equal(text, []byte("null")) {
		return 0, nil
	}
	whole, fraction, _ := strings.Cut(string(text), ".")
	if len(fraction) > digits {
		return 0, fmt.Errorf("%w: %s has more than %d decimals", ErrAnswer, text, digits)
	}
	fraction += strings.Repeat("0", digits-len(fraction))
	n, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return n, nil
}

// Empty says that no symbol has a price.
func (s *Survey) Empty() bool {
	for _, i := range s.Instruments {
		if i.Bid != 0 || i.Ask != 0 {
			return false
		}
	}
	return true
}

// Simulated says that the engine makes its own prices, and nobody else's may mix with them.
func (s *Survey) Simulated() bool { return s.Config.Simulated || s.Config.Feed == "simulator" }

// Select returns the instruments of the named symbols, all if none is named.
func (s *Survey) Select(symbols []string) ([]Instrument, error) {
	if len(symbols) == 0 {
		return s.Instruments, nil
	}
	var selected []Instrument
	for _, name := range symbols {
		i := s.index(name)
		if i < 0 {
			return nil, fmt.Errorf("%w: %q", ErrSymbol, name)
		}
		selected = append(selected, s.Instruments[i])
	}
	return selected, nil
}

func (s *Survey) index(name string) int {
	for i := range s.Instruments {
		if strings.EqualFold(s.Instruments[i].Symbol, name) {
			return i
		}
	}
	return -1
}

// TradingRefusal says in a sentence why no account may be opened here and no order be sent, "" if
// both may: what is done with invented money stays in the journal for good.
func (s *Survey) TradingRefusal(write bool) string {
	if !write && !s.Simulated() && !s.Empty() {
		return "the market is not empty (-write trades there all the same)"
	}
	if !s.HasAccounts {
		return "the engine has no accounts"
	}
	return ""
}

// PostingRefusal says in a sentence why quotes must not be posted to this engine, "" if they may.
// The load is invented prices: among real ones they could not be told apart any more.
func (s *Survey) PostingRefusal(write bool) string {
	switch {
	case s.Simulated():
		return "the engine runs its simulator (start it with -feed none to post quotes)"
	case !write && !s.Empty():
		return "the market is not empty (-write posts into it all the same)"
	}
	return ""
}
