package httpd

import (
	"strconv"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

// getConfig answers with how this server runs.
func (s *Server) getConfig(ctx *fasthttp.RequestCtx) error {
	ctx.SetContentType(jsonType)
	ctx.SetBody(s.config)
	return nil
}

// encodeConfig makes the answer of getConfig once: nothing of it changes.
func (s *Server) encodeConfig() []byte {
	c := &s.opts.Config
	dst := appendString([]byte(`{"brokerName":`), c.BrokerName)
	dst = appendString(append(dst, `,"version":`...), c.Version)
	dst = appendString(append(dst, `,"executionMode":`...), c.ExecutionMode)
	dst = appendString(append(dst, `,"marginMode":`...), c.MarginMode)
	dst = appendInt(dst, `,"defaultLeverage":`, int64(c.DefaultLeverage))
	dst = appendInt(dst, `,"defaultBalance":`, int64(c.DefaultBalance))
	dst = appendInt(dst, `,"maxTicksPerSymbol":`, int64(c.MaxTicksPerSymbol))
	dst = c.Throttle.AppendFraction(append(dst, `,"throttleThreshold":`...))
	dst = appendInt(dst, `,"batchSize":`, int64(c.BatchSize))
	dst = appendInt(dst, `,"flushIntervalMs":`, c.FlushInterval.Milliseconds())
	dst = appendInt(dst, `,"queueCapacity":`, int64(c.QueueCapacity))
	dst = appendNames(append(dst, `,"timeframes":`...), core.FrameNames())
	symbols := make([]string, s.symbols.Len())
	for i := range symbols {
		symbols[i] = s.symbols.Symbol(core.SymbolID(i)).Name
	}
	dst = appendNames(append(dst, `,"symbols":`...), symbols)
	dst = appendString(append(dst, `,"feed":`...), c.Feed)
	dst = strconv.AppendBool(append(dst, `,"simulated":`...), c.Simulated)
	return append(dst, '}', '\n')
}

// appendNames appends an array of strings, one on each line.
func appendNames(dst []byte, names []string) []byte {
	if len(names) == 0 {
		return append(dst, '[', ']')
	}
	dst = append(dst, listOpen...)
	for _, name := range names {
		dst = append(appendString(dst, name), ",\n"...)
	}
	return append(dst[:len(dst)-len(",\n")], "\n]"...)
}
