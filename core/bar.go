package core

// OHLC is open, high, low and close of one side of a bar.
type OHLC struct{ Open, High, Low, Close int64 }

func (o *OHLC) start(v int64) { o.Open, o.High, o.Low, o.Close = v, v, v, v }

func (o *OHLC) add(v int64) {
	o.High = max(o.High, v)
	o.Low = min(o.Low, v)
	o.Close = v
}

func (o *OHLC) merge(later *OHLC) {
	o.High = max(o.High, later.High)
	o.Low = min(o.Low, later.Low)
	o.Close = later.Close
}

// Bar is what the accepted quotes of one span did to one symbol, throttled ones included. A bar
// with Volume 0 is no bar: there is none without a quote.
type Bar struct {
	Time       Time  // When the bar opens.
	Mid        OHLC  // Half points (bid + ask).
	Bid, Ask   OHLC  // Points.
	Volume     int64 // Accepted quotes.
	SpreadMin  int64 // Points.
	SpreadMax  int64
	SpreadLast int64
	First      Time // Stored time of the first and the last quote.
	Last       Time
}

// barWords is the size of a Bar in 64-bit words, as rings and slots hold it.
const barWords = 19

// start makes b the bar of its first quote.
func (b *Bar) start(open, t Time, bid, ask Price) {
	spread := int64(ask - bid)
	b.Time, b.First, b.Last, b.Volume = open, t, t, 1
	b.Mid.start(int64(MidOf(bid, ask)))
	b.Bid.start(int64(bid))
	b.Ask.start(int64(ask))
	b.SpreadMin, b.SpreadMax, b.SpreadLast = spread, spread, spread
}

// add takes a later quote into b.
func (b *Bar) add(t Time, bid, ask Price) {
	spread := int64(ask - bid)
	b.Last = t
	b.Volume++
	b.Mid.add(int64(MidOf(bid, ask)))
	b.Bid.add(int64(bid))
	b.Ask.add(int64(ask))
	b.SpreadMin = min(b.SpreadMin, spread)
	b.SpreadMax = max(b.SpreadMax, spread)
	b.SpreadLast = spread
}

// Merge takes a later bar into b; open is the open time b gets if it was empty.
func (b *Bar) Merge(open Time, later *Bar) {
	if later.Volume == 0 {
		return
	}
	if b.Volume == 0 {
		*b = *later
		b.Time = open
		return
	}
	b.Last = later.Last
	b.Volume += later.Volume
	b.Mid.merge(&later.Mid)
	b.Bid.merge(&later.Bid)
	b.Ask.merge(&later.Ask)
	b.SpreadMin = min(b.SpreadMin, later.SpreadMin)
	b.SpreadMax = max(b.SpreadMax, later.SpreadMax)
	b.SpreadLast = later.SpreadLast
}

// pack writes b as words and returns how many.
func (b *Bar) pack(w []int64) int {
	_ = w[barWords-1]
	w[0] = int64(b.Time)
	b.Mid.pack(w[1:])
	b.Bid.pack(w[5:])
	b.Ask.pack(w[9:])
	w[13], w[14], w[15], w[16] = b.Volume, b.SpreadMin, b.SpreadMax, b.SpreadLast
	w[17], w[18] = int64(b.First), int64(b.Last)
	return barWords
}

// unpack is the reverse of pack.
func (b *Bar) unpack(w []int64) int {
	_ = w[barWords-1]
	b.Time = Time(w[0])
	b.Mid.unpack(w[1:])
	b.Bid.unpack(w[5:])
	b.Ask.unpack(w[9:])
	b.Volume, b.SpreadMin, b.SpreadMax, b.SpreadLast = w[13], w[14], w[15], w[16]
	b.First, b.Last = Time(w[17]), Time(w[18])
	return barWords
}

func (o *OHLC) pack(w []int64) {
	w[0], w[1], w[2], w[3] = o.Open, o.High, o.Low, o.Close
}

func (o *OHLC) unpack(w []int64) {
	o.Open, o.High, o.Low, o.Close = w[0], w[1], w[2], w[3]
}
