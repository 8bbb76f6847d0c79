package httpd

import (
	"context"
	"encoding/hex"
	"errors"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// getJournalHead answers with the newest event's seq and the hash of the chain up to it.
func (s *Server) getJournalHead(ctx *fasthttp.RequestCtx) error {
	var seq uint64
	var hash [32]byte
	err := s.stored(func(wait context.Context) (err error) {
		seq, hash, err = s.opts.Trades.Head(wait)
		return err
	})
	if err != nil {
		return err
	}
	dst := appendHash(appendInt(nil, `{"seq":`, int64(seq)), `,"hash":"`, hash)
	giveBody(ctx, jsonType, append(dst, '}', '\n'))
	return nil
}

// postVerify reads the whole journal again, folds it, and compares the result with what the desk
// has. Trading goes on meanwhile.
func (s *Server) postVerify(ctx *fasthttp.RequestCtx) error {
	var seq uint64
	var live [32]byte
	err := s.read(0, nil, func(m *trading.Machine, _ core.Time) { seq, live = m.Head(), m.Hash() })
	if err != nil {
		return err
	}
	wait, stop := context.WithTimeout(context.Background(), s.opts.Limits.Verify)
	defer stop()
	chain, folded, err := s.opts.Trades.Verify(wait, seq)
	wrong := ""
	switch {
	case errors.Is(err, trading.ErrJournal):
		wrong = err.Error()
	case err != nil:
		return errors.Join(errHistory, err)
	case folded != live:
		wrong = "the journal gives another state than the desk has"
	}
	dst := []byte(`{"ok":true`)
	if wrong != "" {
		s.log.Error("the journal does not verify", "detail", wrong)
		dst = appendString([]byte(`{"ok":false,"detail":`), wrong)
	}
	dst = appendInt(dst, `,"seq":`, int64(seq))
	dst = appendHash(dst, `,"hash":"`, chain)
	dst = appendHash(dst, `,"stateHash":"`, folded)
	giveBody(ctx, jsonType, append(dst, '}', '\n'))
	return nil
}

func appendHash(dst []byte, name string, hash [32]byte) []byte {
	return append(hex.AppendEncode(append(dst, name...), hash[:]), '"')
}
