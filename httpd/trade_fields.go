package httpd

import (
	"encoding/json"
	"fmt"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// The methods of this file read one field each.

// text reads a field that is a text.
func (o *object) text(name string) string {
	raw, given := o.value(name)
	if !given {
		return ""
	}
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		o.fail(badField, "%s must be a text, not %s", o.quote(name), kindOf(raw))
	}
	return s
}

// number reads the text of a number, which may stand in quotes.
func (o *object) number(name string) (text []byte, given bool) {
	raw, given := o.value(name)
	if !given {
		return nil, false
	}
	switch c := raw[0]; {
	case c == '-' || c-'0' <= 9:
		return raw, true
	case c == '"':
		return []byte(o.text(name)), true
	}
	o.fail(badField, "%s must be a number, not %s", o.quote(name), kindOf(raw))
	return nil, false
}

// badNumber says that a number is none.
func (o *object) badNumber(name string, text []byte, example string) {
	o.fail(badNumber, "%s must be a plain decimal such as %s, not %q", o.quote(name), example,
		cutText(string(text)))
}

// price reads a price above zero in points; 0 when it is not given.
func (o *object) price(name string, s *core.Symbol) core.Price {
	text, given := o.number(name)
	if !given {
		return 0
	}
	p, reject := core.ParsePrice(text, s.Digits)
	switch {
	case reject == core.RejectPriceDigits:
		o.refuse(trading.CodePriceDigits, "%s has more decimals than the %d of %s: %s",
			o.quote(name), s.Digits, s.Name, cutText(string(text)))
	case reject != core.RejectNone:
		o.badNumber(name, text, "1.10250")
	case p <= 0:
		o.fail(badNumber, "%s must be above 0; null means none", o.quote(name))
	}
	return p
}

// volume reads lots; 0 when they are not given.
func (o *object) volume(name string) trading.Volume {
	text, given := o.number(name)
	if !given {
		return 0
	}
	v, reject := trading.ParseVolume(text)
	switch {
	case reject == core.RejectPriceDigits:
		o.refuse(trading.CodeVolumeStep, "%s has more than six decimals: %s", o.quote(name),
			cutText(string(text)))
	case reject != core.RejectNone:
		o.badNumber(name, text, "0.10")
	case v <= 0:
		o.refuse(trading.CodeVolumeMin, "%s must be above 0", o.quote(name))
	}
	return v
}

// money reads an amount of a currency.
func (o *object) money(name string, c trading.Currency) trading.Money {
	text, given := o.number(name)
	if !given {
		return 0
	}
	m, reject := trading.ParseMoney(text, c)
	switch {
	case reject == core.RejectPriceDigits:
		o.refuse(trading.CodeAmount, "%s has more decimals than the %d of %s: %s", o.quote(name),
			c.Digits(), c, cutText(string(text)))
	case reject != core.RejectNone:
		o.badNumber(name, text, "12.34")
	}
	return m
}

// integer reads a whole number from least on; value when it is not given.
func (o *object) integer(name string, value, least int64) int64 {
	text, given := o.number(name)
	if !given {
		return value
	}
	n, reject := core.ParsePrice(text, 0)
	if reject != core.RejectNone || int64(n) < least {
		o.fail(badNumber, "%s must be a whole number from %d on, not %q", o.quote(name), least,
			cutText(string(text)))
	}
	return int64(n)
}

// flag reads true or false.
func (o *object) flag(name string, value bool) bool {
	raw, given := o.value(name)
	switch {
	case !given:
		return value
	case string(raw) == "true":
		return true
	case string(raw) == "false":
		return false
	}
	o.fail(badField, "%s must be true or false, not %s", o.quote(name), kindOf(raw))
	return value
}

// time reads an instant as the parameters of requests have them; 0 when it is not given.
func (o *object) time(name string) core.Time {
	raw, given := o.value(name)
	if !given {
		return 0
	}
	t, err := parseSince(raw)
	if err != nil || t <= 0 {
		o.fail(badField, "%s: %v", o.quote(name), core.ErrTime)
	}
	return t
}

// child reads a field that is an object with the fields names.
func (o *object) child(name string, names []string) object {
	c := object{path: o.path + name + "."}
	raw, _ := o.value(name)
	c.read(raw)
	c.allow(names)
	return c
}

// list reads a field that is a list of objects.
func (o *object) list(name string) []object {
	raw, given := o.value(name)
	var elements []json.RawMessage
	if !given || raw[0] != '[' || json.Unmarshal(raw, &elements) != nil || len(elements) == 0 {
		o.fail(badField, "%s must be a list of objects", o.quote(name))
		return nil
	}
	list := make([]object, len(elements))
	for i, e := range elements {
		list[i].home = o.home
		list[i].path = fmt.Sprintf("%s%s[%d].", o.path, name, i)
		list[i].read(e)
	}
	return list
}
