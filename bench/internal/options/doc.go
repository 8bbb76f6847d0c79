// Package options reads the command line of the load generator. Its reference, printed by -h, is
// the place where each flag is explained.
package options
