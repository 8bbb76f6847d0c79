package app

import (
	"fmt"
	"net"
	"strings"

	"tradingengine/cmd/internal/config"
)

// banner says on standard output where to look, and in the log that the server serves.
func (v *server) banner(listeners []net.Listener) {
	host, _, err := net.SplitHostPort(v.config.Addr)
	if err != nil {
		host = "localhost"
	}
	_, port, err := net.SplitHostPort(listeners[0].Addr().String())
	if err != nil {
		port = "?"
	}
	scheme := "http://"
	if v.certificate != nil {
		scheme = "https://"
	}
	url := scheme + net.JoinHostPort(host, port)
	quotes := map[config.FeedKind]string{
		config.FeedSimulator: "SIMULATED market",
		config.FeedReplay:    "REPLAY of recorded quotes",
		config.FeedNone:      "quotes by POST /ticks",
	}[v.config.Feed.Kind]
	rule := strings.Repeat("─", 60)
	fmt.Fprintf(v.streams.out, "%s\n  Trading engine %s   %s, %d symbols\n  %s   data in %s\n%s\n",
		rule, Version, quotes, v.engine.Symbols().Len(), url, v.config.Data, rule)
	v.logs.Main.Info("serving", "url", url, "feed", v.config.Feed.Kind, "data", v.config.Data)
}
