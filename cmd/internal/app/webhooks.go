package app

import (
	"math/rand/v2"

	"tradingengine/cmd/internal/webhook"
	"tradingengine/httpd"
)

// newCourier makes who delivers to webhooks.
func (v *server) newCourier() *webhook.Courier {
	return webhook.New(webhook.Options{
		Journal: v.journal, AllowPrivate: v.config.PrivateHooks, Version: Version,
		Seed: rand.Uint64(), Log: v.logs.Main,
	})
}

// hooks are the webhooks in the words of HTTP.
func (v *server) hooks() *webhook.Hooks {
	return &webhook.Hooks{Journal: v.journal, AllowPrivate: v.config.PrivateHooks}
}

// webhookMetrics tell how delivering goes.
func (v *server) webhookMetrics(m *httpd.Metrics) {
	s := v.courier.Stats()
	m.Counter("engine_webhook_attempts_total", "Attempts to deliver to webhooks, by outcome.")
	m.Value(float64(s.Delivered), "outcome", "delivered")
	m.Value(float64(s.Failed), "outcome", "failed")
	m.Counter("engine_webhook_given_up_total", "Messages that are not tried again by themselves.")
	m.Value(float64(s.GivenUp))
	m.Counter("engine_webhook_storage_failures_total", "Failed reads and commits of the outbox.")
	m.Value(float64(s.Storage))
}
