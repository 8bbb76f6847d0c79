package httpd

import (
	"context"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

// hoursPage is how many bars of an hour are read at once to build longer ones from.
const hoursPage = 5_000

// getUTCBars answers with bars of UTC days. They are built from bars of an hour, which lie whole
// within a day of either calendar, so nothing is lost.
func (s *Server) getUTCBars(ctx *fasthttp.RequestCtx, r *barRequest) error {
	forming, head := s.engine.Forming(r.id, core.H1)
	bars, err := s.utcBars(r, &forming, head)
	if err != nil {
		return err
	}
	digits := s.symbols.Symbol(r.id).Digits
	dst := append(takeBody(ctx), listOpen...)
	for i := range bars {
		end := utcEnd(r.frame, bars[i].Time)
		over := i < len(bars)-1 || s.now() >= end
		forms := forming.Volume > 0 && forming.Time >= bars[i].Time && forming.Time < end
		dst = appendBar(dst, &bars[i], r.side, digits, over && !forms)
	}
	giveBody(ctx, jsonType, closeList(dst, 0))
	return nil
}

// utcBars builds the bars of a window from the closed hours before ring index head and the forming
// one. It reads pages of hours until there are more bars than wanted, because the outermost bar of
// a page may go on in the next.
func (s *Server) utcBars(r *barRequest, forming *core.Bar, head uint64) ([]core.Bar, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.Limits.ReadHistory)
	defer cancel()
	hours := s.barSeries(r.id, core.H1, sideMid)
	oldest, _ := s.engine.BarSpan(r.id, core.H1)
	m := newMemory(oldest, head, lineRun{}, forming.Time, &hours.floor)
	w := r.hours()
	formingWanted := forming.Volume > 0 && w.after < forming.Time && forming.Time <= w.through
	var bars []core.Bar
	if formingWanted && !w.forward {
		bars = r.fold([]core.Bar{*forming})
	}
	for {
		p, err := pick(ctx, hours, m, w)
		if err != nil {
			return nil, err
		}
		page := append(p.older, p.ring...)
		if w.forward {
			bars = join(bars, r.fold(page))
		} else {
			bars = join(r.fold(page), bars)
		}
		if last := len(page) < w.limit; last || len(bars) > r.limit {
			if last && formingWanted && w.forward {
				bars = join(bars, r.fold([]core.Bar{*forming}))
			}
			break
		}
		if w.forward {
			w.after = page[len(page)-1].Time
		} else {
			w.through = page[0].Time - 1
		}
	}
	if w.forward {
		return bars[:min(len(bars), r.limit)], nil
	}
	return bars[max(0, len(bars)-r.limit):], nil
}

// hours returns the window of the hours that the wanted bars consist of.
func (r *barRequest) hours() window {
	w := window{after: r.after, through: r.through, limit: hoursPage, forward: r.forward}
	if w.after != timeMin {
		first := r.frame.OpenUTC(w.after + 1)
		if first <= w.after {
			first = utcEnd(r.frame, first)
		}
		w.after = first - 1
	}
	if w.through != timeMax {
		w.through = utcEnd(r.frame, r.frame.OpenUTC(w.through)) - 1
	}
	return w
}

// fold merges hours into bars of the wanted frame.
func (r *barRequest) fold(hours []core.Bar) []core.Bar {
	var bars []core.Bar
	for i := range hours {
		open := r.frame.OpenUTC(hours[i].Time)
		if n := len(bars); n == 0 || bars[n-1].Time != open {
			bars = append(bars, core.Bar{})
		}
		bars[len(bars)-1].Merge(open, &hours[i])
	}
	return bars
}

// join appends later bars to earlier ones; the bar at the seam may lie in both.
func join(earlier, later []core.Bar) []core.Bar {
	if n := len(earlier); n > 0 && len(later) > 0 && earlier[n-1].Time == later[0].Time {
		earlier[n-1].Merge(earlier[n-1].Time, &later[0])
		later = later[1:]
	}
	return append(earlier, later...)
}

// utcEnd returns the end of the UTC bar that opens at open.
func utcEnd(f core.Frame, open core.Time) core.Time { return open + f.Span() }
