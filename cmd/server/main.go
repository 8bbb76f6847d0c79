// Command server is the trading engine: it takes quotes, keeps prices, bars and ticks, stores them
// in SQLite and serves them over HTTP and WebSocket. Without arguments it shows a simulated market
// on http://localhost:7999; server -h lists flags and verbs.
package main

import (
	"os"

	"tradingengine/cmd/internal/app"
)

func main() {
	os.Exit(app.Main(os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}
