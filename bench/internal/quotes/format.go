package quotes

import "fmt"

// Format is how quotes are written.
type Format uint8

// The formats that POST /ticks takes.
const (
	NDJSON Format = iota
	CSV
	JSON
)

var formatNames = [...]string{NDJSON: "ndjson", CSV: "csv", JSON: "json"}

var contentTypes = [...]string{
	NDJSON: "application/x-ndjson", CSV: "text/csv", JSON: "application/json",
}

// String returns the name as a flag has it.
func (f Format) String() string { return formatNames[f] }

// MarshalText lets a report name the format.
func (f Format) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads a name.
func (f *Format) UnmarshalText(text []byte) error {
	for i, name := range formatNames {
		if name == string(text) {
			*f = Format(i)
			return nil
		}
	}
	return fmt.Errorf("a format is ndjson, csv or json, not %q", text)
}

// Ack is what the engine's answer waits for.
type Ack uint8

// The acknowledgements that POST /ticks gives.
const (
	Commit Ack = iota
	Accept
)

var ackNames = [...]string{Commit: "commit", Accept: "accept"}

// String returns the name as a flag has it.
func (a Ack) String() string { return ackNames[a] }

// MarshalText lets a report name the acknowledgement.
func (a Ack) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads a name.
func (a *Ack) UnmarshalText(text []byte) error {
	for i, name := range ackNames {
		if name == string(text) {
			*a = Ack(i)
			return nil
		}
	}
	return fmt.Errorf("an acknowledgement is commit or accept, not %q", text)
}

// status is the HTTP status of a batch that was taken.
func (a Ack) status() int {
	if a == Accept {
		return 202
	}
	return 200
}
