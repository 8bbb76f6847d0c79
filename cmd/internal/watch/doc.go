// Package watch runs the server's checks once a second and tells the desk what they find, which
// makes alerts of the kind SYSTEM of it. What is measured, and its limits, are those of /health and
// /health/detail: a [Watch] only decides when somebody is told.
//
//	worse than told    told at once
//	better than told   told once it was that for half a minute, so that a value at its limit does
//	                   not fire again and again
//
// Of each symbol the share of its quotes that the throttle held back is looked at too; only the log
// is told of that. All of it happens beside the way of the quotes: it reads counters, and gives the
// desk a message that is dropped and sent again later when the desk is busy.
package watch
