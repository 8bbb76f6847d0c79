package persist

import (
	"context"
	"database/sql/driver"
)

// outboxVersion is the first with an outbox.
const outboxVersion = 1_002

// outboxFaults are queries that find nothing in an outbox that holds together. The first column
// names a row.
var outboxFaults = []struct{ query, fault string }{
	{
		`SELECT id FROM webhook AS w
		WHERE waiting <> (SELECT count(*) FROM hook_delivery WHERE webhook_id = w.id
			AND status = 'PENDING')
		OR finished <> (SELECT count(*) FROM hook_delivery WHERE webhook_id = w.id
			AND status <> 'PENDING')`,
		"table webhook: the counts of webhook %v are not those of its deliveries",
	},
	{
		`SELECT id FROM hook_delivery AS d
		WHERE NOT EXISTS (SELECT 1 FROM webhook WHERE id = d.webhook_id)
		OR NOT EXISTS (SELECT 1 FROM hook_message WHERE seq = d.message_seq)`,
		"table hook_delivery: delivery %v is of a webhook or message that does not exist",
	},
	{
		`SELECT id FROM hook_delivery WHERE (due IS NULL) = (status = 'PENDING')
		OR status NOT IN ('PENDING', 'DELIVERED', 'FAILED')`,
		"table hook_delivery: the status of delivery %v contradicts when it is due",
	},
	{
		`SELECT DISTINCT delivery_id FROM hook_attempt AS a
		WHERE NOT EXISTS (SELECT 1 FROM hook_delivery WHERE id = a.delivery_id
			AND attempts >= a.number)`,
		"table hook_attempt: attempts of delivery %v that it does not know of",
	},
	{
		`SELECT seq FROM hook_message AS m
		WHERE NOT EXISTS (SELECT 1 FROM hook_delivery WHERE message_seq = m.seq)`,
		"table hook_message: message %v is for nobody",
	},
}

// verifyOutbox looks for contradictions in what is told to webhooks.
func verifyOutbox(ctx context.Context, v *verifier) error {
	version, err := tradingSchema.versionOf(v.conn, v.file)
	if err != nil || version < outboxVersion {
		return err
	}
	for _, f := range outboxFaults {
		err := v.conn.query(ctx, f.query, func(row []driver.Value) error {
			v.fault(f.fault, row[0])
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
