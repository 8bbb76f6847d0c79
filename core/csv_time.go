package core

// HasTime reports whether a column holds the time of each quote.
func (c *CSVColumns) HasTime() bool {
	for i, f := range c.fields {
		if c.known[i] && f == fieldTime {
			return true
		}
	}
	return false
}

// Time reads only the time of a line, for those who want to know the order of a file before they
// read its quotes. It is false for a line whose time is absent or cannot be read.
func (c *CSVColumns) Time(line []byte) (Time, bool) {
	rest, more, ok := line, true, true
	for i := 0; more && ok && i < len(c.fields); i++ {
		var value []byte
		value, rest, more, ok = nextColumn(rest)
		if c.known[i] && c.fields[i] == fieldTime {
			t, err := parseTimeBytes(value, true)
			return t, err == nil && t != 0
		}
	}
	return 0, false
}
