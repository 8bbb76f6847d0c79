// Package latency counts requests and keeps how long they took, in HDR histograms.
//
// Two times are kept of each request. The latency runs from when the request was due to its
// answer, and is what percentiles and targets are about. The service time runs from when it was
// really sent; it hides every wait in front of a slow server and is kept only to show by how much.
package latency
