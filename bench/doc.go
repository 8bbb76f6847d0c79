// Command bench puts load on a running engine and measures it, over HTTP and WebSocket alone: it
// shares no code with what it measures, and starts nothing but what torture is given.
//
//	go run ./bench [flags]                          (-h explains each flag)
//	go run ./bench torture -server PATH [flags]     (so does torture -h)
//
// # What it will not do
//
// It asks /api/config first. Under the simulator it sends GETs and reads WebSockets and says so;
// invented quotes never mix with a simulated market, nor with a real one: it posts only while no
// symbol has a price, or with -write.
//
// # Modes
//
// Paced (the default): quotes, GETs and readers at once. Every request has a time at which it is
// due, set by the rate alone, and latency runs from then to the answer. A generator that waits for
// an answer before it looks at the clock again leaves out exactly the requests that a stalled
// server made wait (coordinated omission): with two connections and a stall of a second it reports
// two slow requests, where users would have seen hundreds. The time from the real sending is kept
// beside it, to show the difference. Requests that are due and cannot be sent before -timeout has
// passed after the end are counted as unsent, with their wait.
//
// Flat out (-quotes-rate max, -get-rate max): each connection sends its next request when it has
// the answer to its last. This measures throughput. Latencies are shown and not judged, since the
// load makes its own queue.
//
// Comparison (-compare with -path): GETs flat out on the engine and on a bare server of the same
// bytes (see bench/barehttp), in turns on the same box, so that the ratio holds on any machine. The
// generator's own cost is in both rates and draws the ratio towards 1: say so when quoting it.
//
// Torture: a server binary is started on a directory of its own, killed again and again under load
// and while it recovers, and asked what it knows afterwards (see bench/internal/torture).
//
// # What is measured with what
//
// The generator runs on the box it measures, so it is built to burn little: quotes are appended to
// one buffer per connection, some 60 ns each; a request is prepared bytes on a connection of its
// own, at half the cost of net/http (see bench/internal/wire); ticks are scanned, not decoded, and
// one in 4,096 is decoded in full.
//
// With readers, quotes carry the time at which they are due, and so do the ticks made of them. The
// age of a tick on arrival holds every wait since then, that of the generator too.
//
// A run ends with the sums that must come out even: what was sent and acknowledged, beside what the
// engine counted meanwhile. More acknowledged than sent, or than counted, is a missed target.
//
// Requests wait for their time on ordinary timers of Go. When the generator idles, those are late
// by 0.5 ms in the middle and 1.1 ms at most, because the runtime waits for the network in whole
// milliseconds; the report says how late they were. Sleeping in the kernel is five times as exact
// on an idle box, and was left out: on a busy one it was late by 13 ms at p99, against 4 ms.
//
// # Rooms
//
//	main.go, run.go, loads.go, watch.go   one run, from the survey to the report
//	internal/options                      the command line
//	internal/server                       what the engine says of itself before and after
//	internal/pace                         when requests are due
//	internal/latency                      HDR histograms
//	internal/wire                         one HTTP connection
//	internal/quotes, gets, orders         the loads of requests
//	internal/sockets                      the readers
//	internal/torture                      the kills, and what must be there after them
//	internal/report                       targets, table, JSON, progress
//	barehttp                              the server that comparisons are made with
//	results                               dated results
//
// A further mode is a package beside the loads and a branch in main.go.
package main
