// Package web holds the files of the page that the server shows at /. They are served as they are:
// plain HTML, CSS and JavaScript modules, no build step, and nothing from another address.
//
//	index.html               the page
//	app.js                   what is selected, where data comes from, who shows it
//	stream.js api.js         the WebSocket, requests
//	repeat.js                tasks that run again and again
//	quotes.js                the table of live quotes
//	chart.js bars.js         the chart, the bars it shows
//	account.js events.js     the demo account and its ticket, what its stream brings
//	status.js programs.js    header and counters, links and commands
//	format.js                prices, counts and times as text
//	lightweight-charts.js    TradingView Lightweight Charts, unchanged; see NOTICE.txt
package web

import "embed"

// Files are the files of the page: index.html belongs at /, all others under /web/. The page needs
// no more than "Content-Security-Policy: default-src 'self'".
//
//go:embed index.html style.css favicon.svg *.js *.txt
var Files embed.FS
