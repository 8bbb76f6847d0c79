package persist

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tradingengine/core"
	"tradingengine/core/alert"
)

// alertBook is what is stored in a journal, as a book.
func alertBook(t testing.TB, j *Journal, now core.Time) *alert.Book {
	t.Helper()
	b, err := alert.New(alert.Options{Symbols: j.symbols})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := j.Alerts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.Load(now, &stored)
	return b
}

// commitAlerts stores what a book did and returns what subscribers would be told of.
func commitAlerts(t testing.TB, j *Journal, b *alert.Book) (told []alert.FireChange) {
	t.Helper()
	var c alert.Changes
	if b.Take(&c); c.Len() == 0 {
		return nil
	}
	if err := j.Commit(nil, nil, &c); err != nil {
		t.Fatal(err)
	}
	return c.Fires
}

// storedFires are the fires of a journal, by rule and quote.
func storedFires(t testing.TB, j *Journal, choose alert.Filter) (list []string) {
	t.Helper()
	err := j.Fires(t.Context(), &choose, 100_000, func(data []byte) {
		f, err := alert.ParseFire(j.symbols, data)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("rule %d quote %d", f.Rule, f.Cause.Quote))
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// alertRules are rules near the prices of the tape below, that come and go with every other quote.
func alertRules(t testing.TB, j *Journal, random *rand.Rand, b *alert.Book, now core.Time) {
	t.Helper()
	for i := range 30 {
		r := alert.Rule{
			Kind: alert.Kind(1 + i%3), HasSymbol: true, Threshold: 1000 + random.Int64N(9) - 4, Enabled: true,
			Frequency: alert.EveryCross, Price: alert.Side(1 + i%2), Channels: alert.AllChannels,
		}
		if _, err := b.Create(now, r); err != nil {
			t.Fatal(err)
		}
	}
	commitAlerts(t, j, b)
}

// TestAlertsFireOnce stops a server at random places of a tape of quotes, some of them before what
// the quotes fired is committed. After each start the sender goes on with some quotes that were
// taken before. In the end the file has every fire that a server has that never stopped, each once,
// and nobody was told of one twice.
//
// It was seen to find a book that is loaded without the state of its rules, one that forgets which
// quote it saw last, and one that forgets that and the ids of earlier fires.
func TestAlertsFireOnce(t *testing.T) {
	for seed := range uint64(2) {
		random := rand.New(rand.NewPCG(seed, 3))
		var quotes []alert.Quote
		bid := core.Price(1000)
		for i := range 300 {
			bid += core.Price(random.IntN(5) - 2 - int(bid-1000)/4)
			quotes = append(quotes, alert.Quote{
				Time: testStart + core.Time(1+i)*core.Second, Bid: bid, Ask: bid + core.Price(random.IntN(3)),
			})
		}
		rules := random.Uint64()

		calm, _, _ := openJournalIn(t, t.TempDir())
		b := alertBook(t, calm, testStart)
		alertRules(t, calm, rand.New(rand.NewPCG(rules, 0)), b, testStart)
		for _, q := range quotes {
			b.Quote(q.Time, q)
		}
		commitAlerts(t, calm, b)
		want := storedFires(t, calm, alert.Filter{})
		if len(want) < 200 {
			t.Fatalf("only %d fires", len(want))
		}

		dir := t.TempDir()
		j, closeFiles, _ := openJournalIn(t, dir)
		b = alertBook(t, j, testStart)
		alertRules(t, j, rand.New(rand.NewPCG(rules, 0)), b, testStart)
		told := map[alert.FireID]int{}
		committed, now := 0, testStart // Quotes whose effects are; trading time.
		for i := 0; i < len(quotes); i++ {
			now = max(now, quotes[i].Time)
			b.Quote(now, quotes[i])
			switch n := random.IntN(100); {
			case n < 5:
				for _, f := range commitAlerts(t, j, b) {
					told[f.ID]++
				}
				committed = i + 1
			case n < 7:
				closeFiles()
				j, closeFiles, _ = openJournalIn(t, dir)
				b = alertBook(t, j, now)
				i = max(committed-1-random.IntN(30), -1)
			}
		}
		for _, f := range commitAlerts(t, j, b) {
			told[f.ID]++
		}
		got := storedFires(t, j, alert.Filter{})
		slices.Sort(got)
		slices.Sort(want)
		diff(t, "fires", strings.Join(got, "\n"), strings.Join(want, "\n"))
		for id, times := range told {
			if times > 1 {
				t.Errorf("seed %d: told of %s %d times", seed, id, times)
			}
		}
	}
}

// openJournalIn opens the files of a directory; closing them is a kill as far as alerts go.
func openJournalIn(t testing.TB, dir string) (j *Journal, closeFiles func(), s *Store) {
	t.Helper()
	s, j, _ = openTestJournal(t, dir)
	return j, func() {
		if err := errors.Join(j.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
	}, s
}

// TestAlertsAreStored: what people look at, what webhooks are told, which fires a list shows, and
// what a verification finds.
func TestAlertsAreStored(t *testing.T) {
	dir := t.TempDir()
	j, closeFiles, _ := openJournalIn(t, dir)
	hook := addHook(t, j, "one")
	b := alertBook(t, j, testStart)
	for i, account := range []int64{0, 1, 2} {
		r := alert.Rule{
			Kind: alert.PriceAbove, HasSymbol: true, Threshold: 110_000, Enabled: true, Account: account,
			Name: fmt.Sprint("n", i),
		}
		if i == 1 {
			r.Channels = alert.Webhook
		}
		if _, err := b.Create(testStart, r); err != nil {
			t.Fatal(err)
		}
	}
	b.Quote(testStart+1, alert.Quote{Time: testStart + 1, Bid: 110_001, Ask: 110_002})
	fires := commitAlerts(t, j, b)
	again := alert.Changes{Fires: fires[1:2]}
	again.Fires[0].Seq = 77
	if err := j.Commit(nil, nil, &again); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Acknowledge(testStart+2, fires[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(testStart+2, 4); err != nil {
		t.Fatal(err)
	}
	commitAlerts(t, j, b)

	rows, _, err := j.Due(t.Context(), testStart+3, 10)
	if err != nil || len(rows) != 1 || rows[0].Webhook != hook || rows[0].Message != fires[1].ID.String() ||
		!strings.Contains(string(rows[0].Body), `"data":{"id":"`+fires[1].ID.String()) {
		t.Errorf("due are %+v, %v", rows, err)
	}
	for _, f := range []struct {
		choose alert.Filter
		rules  string
	}{
		{alert.Filter{}, "2 3 4"},
		{alert.Filter{Accounts: []int64{1, 2}}, "3 4"},
		{alert.Filter{Statuses: []alert.Status{alert.Acknowledged}}, "2"},
		{alert.Filter{After: 1, Statuses: []alert.Status{alert.Fired, alert.Acknowledged}}, "3 4"},
		{alert.Filter{Since: testStart + 2}, ""},
	} {
		var ids []string
		for _, line := range storedFires(t, j, f.choose) {
			ids = append(ids, strings.Fields(line)[1])
		}
		if got := strings.Join(ids, " "); got != f.rules {
			t.Errorf("%+v: rules %q; want %q", f.choose, got, f.rules)
		}
	}
	if f, found, err := j.Fire(context.Background(), fires[0].ID); !found || err != nil ||
		f.Status != alert.Acknowledged {
		t.Errorf("found %+v, %v, %v", f, found, err)
	}
	stored, err := j.Alerts(t.Context())
	if err != nil || len(stored.Rules) != 2 || stored.LastRule != 4 || stored.LastFire != 3 ||
		len(stored.Fires) != 3 || len(stored.Recent) != 3 {
		t.Errorf("stored is %+v, %v", stored, err)
	}
	closeFiles()
	db := openFile(t, dir+"/"+TradingFile)
	var rules, alerts int
	err = errors.Join(
		db.QueryRow("SELECT count(*) FROM alert_rules WHERE status = 'FIRED' AND fires = 1").Scan(&rules),
		db.QueryRow("SELECT count(*) FROM alerts WHERE value = 1.10001 AND at > '2'").Scan(&alerts))
	if err != nil || rules != 2 || alerts != 3 {
		t.Errorf("the views show %d rules and %d alerts, %v", rules, alerts, err)
	}
	mustVerify(t, dir)
	if _, err := db.Exec("UPDATE alert_rule SET data = replace(data, 'PRICE_ABOVE', 'X') WHERE id = 2"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := Verify(t.Context(), VerifyOptions{Dir: dir}); err != nil || r.Wrong != 1 {
		t.Errorf("a rule of no kind: %+v, %v", r, err)
	}
}
