package core_test

import (
	"context"
	"fmt"
	"log"
	"sync"

	"tradingengine/core"
)

// A quote goes in as text and comes out as live price, bars and ticks. Acknowledged quotes wait for
// a storage writer; this sender does not ask for that.
func Example() {
	registry, err := core.NewRegistry(core.DefaultSymbols())
	if err != nil {
		log.Fatal(err)
	}
	sources, err := core.NewSources([]string{"API"})
	if err != nil {
		log.Fatal(err)
	}
	engine, err := core.New(core.Options{
		Symbols: registry, Sources: sources, Throttle: core.DefaultThreshold,
	})
	if err != nil {
		log.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { engine.Run(context.Background()) })

	parser := core.Parser{Symbols: registry, Sources: sources, DefaultSource: 1}
	arrival, _ := core.ParseTime("2026-01-19T13:49:24Z")
	request := engine.Begin(arrival)
	for i, text := range []string{
		`{"symbol":"EURUSD","bid":1.16340,"ask":1.16346}`,
		`{"symbol":"EURUSD","bid":1.16341,"ask":1.16347}`,
		`{"symbol":"EURUSD","bid":"cheap","ask":1.16347}`,
	} {
		quote := core.Quote{Line: int32(i + 1)}
		if reject := parser.JSON([]byte(text), &quote); reject != core.RejectNone {
			request.Reject(quote.Line, reject, parser.Detail(reject))
			fmt.Println("line", quote.Line, reject, parser.Detail(reject))
			continue
		}
		request.Add(quote)
	}
	if err := request.Send(context.Background(), false); err != nil {
		log.Fatal(err)
	}
	request.Release()
	engine.Close()
	running.Wait()

	id, _ := registry.Find("eurusd")
	digits := registry.Symbol(id).Digits
	live, _ := engine.Live(id)
	bar, _ := engine.Forming(id, core.M1)
	stats := engine.Stats()
	fmt.Printf("live %s %s\n", core.AppendPrice(nil, live.Bid, digits),
		core.AppendPrice(nil, live.Ask, digits))
	fmt.Printf("bar %s: %d quotes, high %s\n", bar.Time, bar.Volume,
		core.AppendMid(nil, core.Mid(bar.Mid.High), digits))
	fmt.Println("stored", stats.Stored, "throttled", stats.Throttled, "rejected",
		stats.RejectedTotal())
	// Output:
	// line 3 BAD_NUMBER bid "cheap" is not a plain decimal
	// live 1.16341 1.16347
	// bar 2026-01-19T13:49:00.000000Z: 2 quotes, high 1.16344
	// stored 1 throttled 1 rejected 1
}

func ExampleParsePrice() {
	price, reject := core.ParsePrice([]byte("1.0823"), 5)
	fmt.Println(price, reject == core.RejectNone, string(core.AppendPrice(nil, price, 5)))
	_, reject = core.ParsePrice([]byte("1.082345"), 5)
	fmt.Println(reject)
	_, reject = core.ParsePrice([]byte("1e5"), 5)
	fmt.Println(reject)
	// Output:
	// 108230 true 1.08230
	// PRICE_DIGITS
	// BAD_NUMBER
}

func ExampleFrame_Open() {
	quote, _ := core.ParseTime("2026-01-19T23:30:00Z")
	for _, frame := range []core.Frame{core.M15, core.H4, core.D1, core.W1} {
		fmt.Println(frame, frame.Open(quote))
	}
	// Output:
	// 15m 2026-01-19T23:30:00.000000Z
	// 4h 2026-01-19T22:00:00.000000Z
	// 1d 2026-01-19T22:00:00.000000Z
	// 1w 2026-01-18T22:00:00.000000Z
}

func ExampleNearestName() {
	fmt.Println(core.NearestName("EURUDS", []string{"GBPUSD", "EURUSD"}))
	// Output: EURUSD
}
