package persist

import (
	"fmt"
	"strconv"

	"tradingengine/core"
)

// epochExact is the first time that text of a whole number of microseconds is read back as such:
// smaller numbers are taken for milliseconds.
const epochExact core.Time = 100_000_000_000_000

// tickExport is the export of stored ticks.
var tickExport = exportKind{
	table:   "FROM tick WHERE symbol_id = ?1",
	columns: "time, bid, ask, source_id",
	width:   4,
	source:  3,
	header:  "symbol,time,bid,ask,spread,lp\n",
	csv:     appendTickCSV,
	json:    appendTickJSON,
}

func appendTickCSV(b []byte, s *StoredSymbol, row []int64, e *export) []byte {
	t, bid, ask := core.Time(row[0]), core.Price(row[1]), core.Price(row[2])
	b = append(append(b, s.Name...), ',')
	if t < epochExact {
		b = append(t.Append(b), ',')
	} else {
		b = append(strconv.AppendInt(b, int64(t), 10), ',')
	}
	b = append(core.AppendPrice(b, bid, s.Digits), ',')
	b = append(core.AppendPrice(b, ask, s.Digits), ',')
	b = append(core.AppendPrice(b, ask-bid, s.Digits), ',')
	return append(append(b, e.source(row[3])...), '\n')
}

// appendTickJSON writes a tick as the HTTP interface does.
func appendTickJSON(b []byte, s *StoredSymbol, row []int64, e *export) []byte {
	t, bid, ask := core.Time(row[0]), core.Price(row[1]), core.Price(row[2])
	b = append(append(append(b, `{"symbol":"`...), s.Name...), `","bid":`...)
	b = append(core.AppendPrice(b, bid, s.Digits), `,"ask":`...)
	b = append(core.AppendPrice(b, ask, s.Digits), `,"spread":`...)
	b = append(core.AppendPrice(b, ask-bid, s.Digits), `,"timestamp":"`...)
	b = append(t.Append(b), `","time":`...)
	if t < epochExact {
		b = append(t.Append(append(b, '"')), '"')
	} else {
		b = strconv.AppendInt(b, int64(t), 10)
	}
	return append(append(append(b, `,"lp":"`...), e.source(row[3])...), "\"}\n"...)
}

// source returns the name of a source. Names hold no quotes, commas or backslashes.
func (e *export) source(id int64) string { return e.sources[id] }

// barField is one column of a bar that is exported, in the order of barColumns.
type barField struct {
	csv, json string // Names.
	print     func(b []byte, v int64, digits int) []byte
}

var barFields = []barField{
	{"time", "time", printSeconds},
	{"open", "open", printMid},
	{"high", "high", printMid},
	{"low", "low", printMid},
	{"close", "close", printMid},
	{"bid_open", "bidOpen", printPrice},
	{"bid_high", "bidHigh", printPrice},
	{"bid_low", "bidLow", printPrice},
	{"bid_close", "bidClose", printPrice},
	{"ask_open", "askOpen", printPrice},
	{"ask_high", "askHigh", printPrice},
	{"ask_low", "askLow", printPrice},
	{"ask_close", "askClose", printPrice},
	{"volume", "volume", printInt},
	{"spread_min", "spreadMin", printPrice},
	{"spread_max", "spreadMax", printPrice},
	{"spread_last", "spreadLast", printPrice},
	{"first_time", "firstTime", printInt},
	{"last_time", "lastTime", printInt},
	{"complete", "complete", printBool},
}

// barExport is the export of the bars of a frame: open, high, low and close are of the mid price.
func barExport(f core.Frame) exportKind {
	k := exportKind{
		// A running server keeps the forming minute apart from the other bars.
		table: fmt.Sprintf("FROM (SELECT * FROM bar UNION ALL SELECT * FROM forming) "+
			"WHERE symbol_id = ?1 AND frame = %d", frameSeconds(f)),
		columns: barColumns[len("symbol_id, frame, "):],
		width:   barWidth - 2,
		header:  "symbol,timeframe",
	}
	for i := range barFields {
		k.header += "," + barFields[i].csv
	}
	k.header += "\n"
	k.csv = func(b []byte, s *StoredSymbol, row []int64, _ *export) []byte {
		b = append(append(append(b, s.Name...), ','), f.String()...)
		for i := range barFields {
			b = barFields[i].print(append(b, ','), row[i], s.Digits)
		}
		return append(b, '\n')
	}
	k.json = func(b []byte, s *StoredSymbol, row []int64, _ *export) []byte {
		b = append(append(b, `{"symbol":"`...), s.Name...)
		b = append(append(append(b, `","timeframe":"`...), f.String()...), '"')
		for i := range barFields {
			b = append(append(append(b, `,"`...), barFields[i].json...), `":`...)
			b = barFields[i].print(b, row[i], s.Digits)
		}
		return append(b, "}\n"...)
	}
	return k
}

func printSeconds(b []byte, v int64, _ int) []byte {
	return strconv.AppendInt(b, core.Time(v).Seconds(), 10)
}

func printMid(b []byte, v int64, digits int) []byte {
	return core.AppendMid(b, core.Mid(v), digits)
}

func printPrice(b []byte, v int64, digits int) []byte {
	return core.AppendPrice(b, core.Price(v), digits)
}

func printInt(b []byte, v int64, _ int) []byte { return strconv.AppendInt(b, v, 10) }

func printBool(b []byte, v int64, _ int) []byte { return strconv.AppendBool(b, v != 0) }
