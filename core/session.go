package core

// Session says when a symbol trades.
type Session uint8

// The sessions there are.
const (
	Session24x5 Session = iota // Sunday 17:00 to Friday 17:00 New York.
	Session24x7
)

var sessionNames = [...]string{"24x5", "24x7"}

// String returns the name used in symbol files, e.g. 24x5.
func (s Session) String() string { return sessionNames[s] }

// Open reports whether the session trades at t.
func (s Session) Open(t Time) bool {
	if s == Session24x7 {
		return true
	}
	// A New York day is named by its opening: Friday and Saturday 17:00 open no trading day.
	open := dayOpen(t).Std().In(newYork).Weekday()
	return open <= 4
}
