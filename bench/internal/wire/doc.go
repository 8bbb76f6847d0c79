// Package wire is one keep-alive HTTP/1.1 connection: a request written as prepared bytes, an
// answer read by the parser of fasthttp.
//
// The load generator runs on the box it measures, so each microsecond it burns is taken from the
// server. For a small GET, net/http.Client costs twice the time and 55 allocations of this
// connection. The client of fasthttp is as cheap, but it pools connections, so that 54 workers
// would not be 54 connections, and sends a request again when it failed, which hides failures from
// a program whose task is to count them. A deadline on the connection stands for the timeout.
package wire
