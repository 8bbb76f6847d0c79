// Command barehttp is what an engine's GETs are compared with: a bare fasthttp server that fetches
// given paths once from a running engine and then sends exactly those bytes at the same paths.
//
//	go run ./bench/barehttp -from http://localhost:7999 -addr localhost:7998 \
//	    '/ohlc?symbol=EURUSD&limit=500' '/ticks?symbol=EURUSD&limit=500'
//
// It does nothing else per request: one look-up by the request's path, and a body that is not even
// copied. The distance of an engine to it is what the engine's own work costs.
package main
