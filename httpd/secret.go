package httpd

import "strings"

// redactFrom is how much of a key may be shown.
const redactFrom = len(keyPrefix) + 4

// redact blots out keys in a text that came from outside and is told or logged: whoever puts a key
// where it does not belong must not find it in an answer, which others may see.
func redact(text string) string {
	for at := 0; ; {
		i := strings.Index(text[at:], keyPrefix)
		if i < 0 {
			return text
		}
		at += i
		end := at + len(keyPrefix)
		for end < len(text) && isHex(text[end]) {
			end++
		}
		if at += redactFrom; at < end {
			text = text[:at] + "…" + text[end:]
		} else {
			at = end
		}
	}
}

func isHex(c byte) bool { return c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'f' }
