package httpd

import (
	"cmp"
	"context"
	"slices"

	"github.com/valyala/fasthttp"

	"tradingengine/core/trading"
)

// addRow adds a row to a list.
type addRow func(seq uint64, print func(dst []byte) []byte)

// list answers with the rows of the accounts of a request, in the order of their seqs. read reads
// those of one account, in that order and at most as many as the request wants: so the rows of a
// trader with several accounts cost a read of each, however much lies behind them.
func (s *Server) list(ctx *fasthttp.RequestCtx, l *listRequest,
	read func(wait context.Context, account trading.AccountID, add addRow) error,
) error {
	type row struct {
		seq uint64
		end int // Of its line in text.
	}
	var rows []row
	text := append([]byte(nil), listOpen...)
	start := len(text)
	for _, account := range l.accounts {
		err := s.stored(func(wait context.Context) error {
			return read(wait, account, func(seq uint64, print func(dst []byte) []byte) {
				text = append(print(text), ",\n"...)
				rows = append(rows, row{seq, len(text)})
			})
		})
		if err != nil {
			return err
		}
	}
	if len(l.accounts) > 1 {
		lines := make(map[uint64][]byte, len(rows))
		for _, r := range rows {
			lines[r.seq] = text[start:r.end]
			start = r.end
		}
		slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.seq, b.seq) })
		sorted := append([]byte(nil), listOpen...)
		for _, r := range rows[:min(l.limit, len(rows))] {
			sorted = append(sorted, lines[r.seq]...)
		}
		text = sorted
	}
	giveBody(ctx, jsonType, closeList(text, 0))
	return nil
}
