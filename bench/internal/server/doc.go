// Package server asks a running engine what it is before it is put under load, and what it
// counted afterwards. It knows the engine only by its HTTP answers.
package server
