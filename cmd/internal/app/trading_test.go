package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradingengine/cmd/internal/config"
	"tradingengine/cmd/internal/logs"
	"tradingengine/core"
	"tradingengine/core/desk"
	"tradingengine/core/trading"
	"tradingengine/persist"
	"tradingengine/persist/faultvfs"
)

// money is the part of a server that trades, on the files of a directory.
type money struct {
	*server
	running sync.WaitGroup
	err     error // What the desk's Run returned.
}

// openMoney opens a directory and starts the desk.
func openMoney(t testing.TB, dir string) (*money, error) {
	t.Helper()
	symbols, err := core.NewRegistry(core.DefaultSymbols())
	if err != nil {
		t.Fatal(err)
	}
	log, err := logs.Open(logs.Options{
		File: filepath.Join(t.TempDir(), "server.log"), Stderr: &strings.Builder{},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	m := &money{server: &server{config: &config.Server{}, logs: log}}
	if m.store, err = persist.Open(persist.Options{Dir: dir, Symbols: symbols}); err != nil {
		return nil, err
	}
	m.engine, err = core.New(core.Options{Symbols: symbols, Sources: m.store.Sources()})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.openTrading(t.Context(), symbols); err != nil {
		return nil, errors.Join(err, m.closeFiles())
	}
	m.running.Go(func() { m.err = m.desk.Run() })
	return m, nil
}

func (m *money) stop() error {
	m.desk.Close()
	m.running.Wait()
	return errors.Join(m.err, m.closeFiles())
}

// deposit has a cent deposited, once however often it is asked for.
func (m *money) deposit(ctx context.Context, n int) error {
	name := fmt.Sprint("deposit ", n)
	_, err := m.desk.Do(ctx, &desk.Command{
		Keys: []desk.Key{{Scope: "key", Name: name}}, Hash: sha256.Sum256([]byte(name)),
		Apply: func(m *trading.Machine, now core.Time) desk.Answer {
			if err := m.Transfer(now, 1, trading.Deposit, 1, name); err != nil {
				return desk.Answer{Status: 422, Body: []byte(err.Error())}
			}
			return desk.Answer{Status: 201, Body: []byte(name)}
		},
	})
	return err
}

// counted is how often each deposit is in the ledger. It also checks the sums of the ledger.
func (m *money) counted(t *testing.T) map[string]int {
	t.Helper()
	counts := map[string]int{}
	var sum, balance, house trading.Money
	err := m.journal.Postings(t.Context(), 1, 0, 1<<60, 1<<30,
		func(e *trading.Event, counter trading.Money) {
			p, _ := e.Posting()
			sum, balance, house = sum+p.Amount, p.Balance, counter
			counts[e.Reference()]++
		})
	if err != nil || sum != balance || sum+house != 0 {
		t.Errorf("the lines sum up to %d, balance %d, the house has %d, %v", sum, balance, house, err)
	}
	return counts
}

// TestNoCommandIsLostOrDoneTwice lets a disk fail at any call while callers deposit cents: by a
// power cut, a failed sync, or a failed write. Whatever it keeps, each acknowledged deposit is in
// the ledger once; after all are asked for again, every one is.
//
// It was seen to find a journal that does not sync, and keys that are not kept.
func TestNoCommandIsLostOrDoneTwice(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 5))
	acknowledged, cut := 0, 0
	for range rounds {
		n, broken := moneyRound(t, random)
		acknowledged += n
		if broken {
			cut++
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if acknowledged == 0 || cut == 0 {
		t.Errorf("seed %d: %d deposits acknowledged, %d rounds broken", seed, acknowledged, cut)
	}
}

func moneyRound(t *testing.T, random *rand.Rand) (acknowledged int, broken bool) {
	const deposits, callers = 120, 4
	dir := t.TempDir()
	disk, err := faultvfs.New(dir, faultvfs.Options{Remember: true, Seed: random.Uint64()})
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	fault := []error{faultvfs.ErrPower, faultvfs.ErrIO}[random.IntN(2)]
	done := make([]atomic.Bool, deposits)
	m, err := openMoney(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	disk.SetFault(faultvfs.FailAt(disk.Calls()+1+random.Int64N(200), fault))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var calls sync.WaitGroup
	for caller := range callers {
		calls.Go(func() {
			for n := caller; n < deposits; n += callers {
				if m.deposit(ctx, n) != nil {
					return
				}
				done[n].Store(true)
			}
		})
	}
	calls.Wait()
	broken = m.stop() != nil
	kept := t.TempDir()
	if err := disk.Kept(kept); err != nil {
		t.Fatal(err)
	}
	m, err = openMoney(t, kept)
	if err != nil {
		t.Fatalf("after %v: %v", fault, err)
	}
	counts := m.counted(t)
	for n := range deposits {
		got := counts[fmt.Sprint("deposit ", n)]
		if got > 1 || got == 0 && done[n].Load() {
			t.Errorf("after %v: deposit %d, acknowledged %v, is there %d times", fault, n,
				done[n].Load(), got)
		}
		if done[n].Load() {
			acknowledged++
		}
		if err := m.deposit(t.Context(), n); err != nil {
			t.Errorf("deposit %d again: %v", n, err)
		}
	}
	counts = m.counted(t)
	for n := range deposits {
		if got := counts[fmt.Sprint("deposit ", n)]; got != 1 {
			t.Errorf("asked for again, deposit %d is there %d times", n, got)
		}
	}
	if err := m.stop(); err != nil {
		t.Error(err)
	}
	return acknowledged, broken
}

// BenchmarkCommands measures commands a second through desk and journal, each on the disk when it is
// answered: one event each, many callers. A regression here is one for all who trade.
func BenchmarkCommands(b *testing.B) {
	m, err := openMoney(b, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	const callers = 512
	var calls sync.WaitGroup
	b.ResetTimer()
	for caller := range callers {
		calls.Go(func() {
			for n := caller; n < b.N; n += callers {
				if err := m.deposit(context.Background(), n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	calls.Wait()
	b.StopTimer()
	s := m.desk.Stats()
	b.ReportMetric(float64(s.Events)/float64(s.Commits), "events/commit")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
	if err := m.stop(); err != nil {
		b.Error(err)
	}
}
