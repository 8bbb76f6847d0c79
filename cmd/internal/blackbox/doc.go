// Package blackbox holds the tests that build the server and use it as its users do: over its
// command line, HTTP, WebSocket, its log files and the sqlite3 program. There is no code in it.
package blackbox
