// Package app puts the parts together: it opens the store, restores the engine, starts what runs
// beside it (storage writer, feed, HTTP, the operators' log lines), and stops all of it in the
// order in which data flows, so that everything accepted is committed before the process ends.
//
//	start  lock ─► file ─► engine ─► writer ─► HTTP ─► feed
//	stop   feed ─► engine drains ─► writer commits ─► HTTP and streams ─► file
package app
