package trading

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"tradingengine/core"
)

// Hash is a hash of all journaled state, in a fixed order: equal states of any two machines hash
// equal, whatever their prices and times.
func (m *Machine) Hash() [32]byte {
	d := digest{h: sha256.New()}
	d.ints(int64(m.seq), int64(m.lastOrder), int64(m.lastPosition), int64(m.state), int64(m.stateSeq))
	d.ints(int64(len(m.houses)))
	for _, h := range m.houses {
		d.text(h.Currency.String())
		d.ints(int64(h.House), int64(h.Fees), int64(h.Swap), int64(h.Funding), int64(h.Clients))
	}
	d.ints(int64(len(m.accounts)))
	for _, a := range m.accounts {
		d.account(a)
		for _, o := range a.orders {
			d.order(m.symbol(o.Symbol).Name, &o.Order)
		}
		for _, p := range a.positions {
			d.position(m.symbol(p.Symbol).Name, &p.Position)
		}
	}
	return [32]byte(d.h.Sum(nil))
}

type digest struct {
	h       hash.Hash
	scratch []byte
}

func (d *digest) ints(values ...int64) {
	d.scratch = d.scratch[:0]
	for _, v := range values {
		d.scratch = binary.LittleEndian.AppendUint64(d.scratch, uint64(v))
	}
	d.h.Write(d.scratch)
}

func (d *digest) text(s string) {
	d.ints(int64(len(s)))
	d.scratch = append(d.scratch[:0], s...)
	d.h.Write(d.scratch)
}

func (d *digest) account(a *account) {
	d.text(a.Currency.String())
	d.ints(int64(a.ID), int64(a.MarginMode), int64(a.HedgedMargin), int64(a.StopOutPolicy),
		int64(a.TradingState), a.Leverage, bit(a.KeepNegative), int64(a.Balance), int64(a.Credit),
		bit(a.MarginCall), int64(a.LastSeq), int64(a.lines), int64(a.digest),
		int64(a.named), int64(len(a.orders)), int64(len(a.positions)))
}

func (d *digest) order(symbol string, o *Order) {
	d.text(symbol)
	d.text(o.ClientID)
	d.trailing(&o.Trailing)
	d.ints(int64(o.ID), int64(o.Account), int64(o.Side), int64(o.Type), int64(o.TimeInForce),
		bit(o.ReduceOnly), int64(o.Volume), int64(o.Price), int64(o.LimitPrice),
		int64(o.PriceBound), int64(o.StopLoss), int64(o.TakeProfit), int64(o.ExpireAt),
		int64(o.Status), int64(o.Cause), int64(o.Code), int64(o.Linked), int64(o.Position),
		int64(o.PlacedAt), int64(o.Filled), int64(o.FillPrice), int64(o.Fingerprint))
}

func (d *digest) position(symbol string, p *Position) {
	d.text(symbol)
	d.trailing(&p.Trailing)
	d.ints(int64(p.ID), int64(p.Account), int64(p.Side), int64(p.Volume), p.Cost.Hi,
		int64(p.Cost.Lo), int64(p.StopLoss), int64(p.TakeProfit), int64(p.Order),
		int64(p.OpenTime), int64(p.SwapTime), int64(p.Swap), int64(p.Commission),
		int64(p.Realized))
}

func (d *digest) trailing(t *Trailing) {
	d.ints(t.Distance, int64(t.Unit), int64(t.Activation), bit(t.Active))
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// fingerprint tells requests of one ClientID apart; 0 without one. It is FNV-1a over what the
// request means, whatever the symbol's place in the list and digits are.
func (m *Machine) fingerprint(r *OrderRequest) uint64 {
	if r.ClientID == "" {
		return 0
	}
	s := m.symbol(r.Symbol)
	point := core.Pow10(core.DigitsMax - s.Digits)
	h := mixText(fnvOffset, s.Name)
	for _, p := range [...]core.Price{
		r.Price, r.LimitPrice, r.PriceBound, r.StopLoss, r.TakeProfit, r.Trailing.Activation,
	} {
		h = mix(h, uint64(p)*uint64(point)) // Overflow only makes another number.
	}
	for _, v := range [...]int64{
		int64(r.Account), int64(r.Side), int64(r.Type), int64(r.TimeInForce), bit(r.ReduceOnly),
		int64(r.Volume), r.Trailing.Distance, int64(r.Trailing.Unit), int64(r.ExpireAt),
	} {
		h = mix(h, uint64(v))
	}
	return h
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func mix(h, v uint64) uint64 {
	for range 8 {
		h = (h ^ v&0xff) * fnvPrime
		v >>= 8
	}
	return h
}

func mixText(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return mix(h, uint64(len(s)))
}
