// Package report holds what a run has measured, judges it by the operators' targets, and writes it
// as a table for people, as JSON for programs and as one line a second while it goes on.
package report
