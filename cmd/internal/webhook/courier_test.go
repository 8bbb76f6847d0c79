package webhook

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tradingengine/persist"
)

// arrival is a request that a receiver got.
type arrival struct {
	at   time.Time
	hook int64
	id   string
	sign string
}

// world is a courier with receivers, in a bubble of synctest: pipes instead of sockets, and a clock
// that stands still while anybody works.
type world struct {
	*testing.T
	*box
	courier *Courier
	answer  func(a arrival) int // The status; 0 for no answer.

	mu       sync.Mutex
	arrivals []arrival
	open     map[int64]int // Requests under way, and
	most     map[int64]int // the most there were, by webhook.
}

func newWorld(t *testing.T, seed uint64, answer func(a arrival) int) *world {
	w := &world{
		T: t, box: newBox(), answer: answer, open: map[int64]int{}, most: map[int64]int{},
	}
	w.restart(seed)
	return w
}

// restart makes a new courier for the same outbox.
func (w *world) restart(seed uint64) {
	w.courier = New(Options{AllowPrivate: true, Seed: seed, Dial: w.dial})
	w.courier.outbox = w.box
}

func (w *world) dial(_ context.Context, _, address string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	hook := int64(address[len("receiver-")] - 'a')
	go w.receive(hook, theirs)
	return ours, nil
}

// receive is a receiver that verifies what it gets.
func (w *world) receive(hook int64, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	w.under(hook, 1)
	defer w.under(hook, -1)
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, verify(r, body)); err != nil || !bytes.Equal(body, []byte(testMessage)) {
		w.Errorf("got %q, %v", body, err)
	}
	now := time.Now()
	if got, want := r.Header.Get("webhook-timestamp"), fmt.Sprint(now.Unix()); got != want {
		w.Errorf("timestamp %s at %s", got, want)
	}
	a := arrival{now, hook, r.Header.Get("webhook-id"), r.Header.Get("webhook-signature")}
	w.mu.Lock()
	w.arrivals = append(w.arrivals, a)
	w.mu.Unlock()
	status := w.answer(a)
	if status == 0 {
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d Whatever\r\n\r\n", status)
}

func (w *world) under(hook int64, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[hook] += n
	w.most[hook] = max(w.most[hook], w.open[hook])
}

// run runs the courier for a while and stops it, which must take no time.
func (w *world) run(d time.Duration) {
	w.Helper()
	ctx, stop := context.WithCancel(w.Context())
	ended := make(chan error)
	go func() { ended <- w.courier.Run(ctx) }()
	time.Sleep(d)
	synctest.Wait()
	stopped := time.Now()
	stop()
	if err := <-ended; err != nil || time.Since(stopped) != 0 {
		w.Errorf("Run: %v, %s after it was told to stop", err, time.Since(stopped))
	}
	synctest.Wait() // For receivers whose connections were closed.
}

// got returns the ids that a webhook was told, in order.
func (w *world) got(hook int64) (ids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.arrivals {
		if a.hook == hook {
			ids = append(ids, a.id)
		}
	}
	return ids
}

func always(status int) func(arrival) int { return func(arrival) int { return status } }

// TestCourierTriesSevenTimes: the pauses between attempts, their spread, and the end.
//
// It was seen to find a spread to one side only and a delivery that is tried for ever.
func TestCourierTriesSevenTimes(t *testing.T) {
	least, most := make([]float64, len(retryAfter)), make([]float64, len(retryAfter))
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, seed, always(503))
			r := w.put(0, "one")
			w.run(48 * time.Hour)
			if n := len(w.arrivals); n != 7 {
				t.Fatalf("seed %d: %d attempts", seed, n)
			}
			signs := map[string]bool{}
			for i, a := range w.arrivals {
				signs[a.sign] = true
				if a.id != "one" {
					t.Errorf("attempt %d has the id %s", i+1, a.id)
				}
				if i == 0 {
					continue
				}
				share := a.at.Sub(w.arrivals[i-1].at).Seconds() / retryAfter[i-1].Seconds()
				// Results are gathered for a moment before the pause begins.
				if late := recordEvery.Seconds() / retryAfter[i-1].Seconds(); share < 0.8 ||
					share > 1.2+late {
					t.Errorf("seed %d: retry %d after %.2f of its pause", seed, i, share)
				}
				if seed == 0 || share < least[i-1] {
					least[i-1] = share
				}
				most[i-1] = max(most[i-1], share)
			}
			d := w.see(r)
			if len(signs) != 7 || d.status != persist.Failed || len(d.attempts) != 7 {
				t.Errorf("seed %d: %d signatures, %s after %d recorded attempts", seed, len(signs),
					d.status, len(d.attempts))
			}
			if got, want := w.courier.Stats(), (Stats{Failed: 7, GivenUp: 1}); got != want {
				t.Errorf("counted %+v, want %+v", got, want)
			}
		})
	}
	for i := range least {
		if least[i] > 0.9 || most[i] < 1.1 {
			t.Errorf("retry %d came after %.2f to %.2f of its pause", i+1, least[i], most[i])
		}
	}
}

// TestCourierStopsWhenDelivered: a receiver that takes the third attempt gets no fourth.
func TestCourierStopsWhenDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		w := newWorld(t, 1, func(arrival) int {
			if n++; n < 3 {
				return 500
			}
			return 204
		})
		r := w.put(0, "one")
		w.run(48 * time.Hour)
		d := w.see(r)
		if n != 3 || d.status != persist.Delivered || len(d.attempts) != 3 ||
			d.attempts[0].Status != 500 || d.attempts[2].Status != 204 {
			t.Errorf("%d attempts, %+v", n, d)
		}
	})
}

// TestCourierGone: 410 ends it all for that webhook and for no other.
func TestCourierGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, func(a arrival) int { return []int{410, 302}[a.hook] })
		gone, moved := w.put(0, "one"), w.put(1, "one")
		w.run(time.Minute)
		w.put(0, "two")
		w.restart(1)
		w.run(time.Minute)
		if got := fmt.Sprint(w.got(0), w.see(gone).status); got != "[one]FAILED" {
			t.Error("gone: ", got)
		}
		if d := w.see(moved); len(d.attempts) != 2 || d.attempts[0].Status != 302 ||
			d.attempts[0].Error != "redirects are not followed" || d.status != persist.Pending {
			t.Errorf("moved: %+v", d)
		}
	})
}

// TestCourierSlowReceiver: one that never answers holds up nobody else, and is not asked more often
// at once than may be.
//
// It was seen to find one pool of attempts for all webhooks.
func TestCourierSlowReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, func(a arrival) int { return []int{0, 200}[a.hook] })
		for i := range 400 {
			w.put(0, fmt.Sprint("slow", i))
		}
		for i := range 40 {
			w.put(1, fmt.Sprint("quick", i))
		}
		w.run(2 * time.Second)
		if n := len(w.got(1)); n != 40 {
			t.Errorf("the quick one got %d of 40", n)
		}
		if n := len(w.got(0)); n != attemptsAtOnce || w.most[0] != attemptsAtOnce {
			t.Errorf("the slow one was asked %d times, %d at once", n, w.most[0])
		}
		w.restart(1)
		w.run(16 * time.Second)
		if r := w.rows[0]; len(r.attempts) != 1 || r.attempts[0].Error != "no answer within 15s" ||
			r.attempts[0].Took != 15*time.Second {
			t.Errorf("the first attempt: %+v", r.attempts)
		}
	})
}

// TestCourierRestart: what is under way when the server stops is not recorded, and the next run
// delivers it once, with the same id.
//
// It was seen to find an abandoned attempt that is recorded as a failure.
func TestCourierRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := 0
		w := newWorld(t, 1, func(arrival) int { return status })
		r := w.put(0, "one")
		w.run(time.Second)
		if d := w.see(r); len(d.attempts) != 0 || d.status != persist.Pending {
			t.Errorf("after the stop: %+v", d)
		}
		status = 200
		for range 3 {
			w.restart(1)
			w.run(time.Hour)
		}
		if got := fmt.Sprint(w.got(0), w.see(r).status); got != "[one one]DELIVERED" {
			t.Error(got)
		}
	})
}

// TestCourierWakes: by the signal of a commit at once, and without it by the clock.
func TestCourierWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, always(200))
		begun := time.Now()
		go func() {
			time.Sleep(10 * time.Second)
			w.put(0, "signalled")
			w.signal()
			time.Sleep(15 * time.Second)
			w.put(0, "found")
		}()
		w.run(5 * time.Minute)
		if len(w.arrivals) != 2 || w.arrivals[0].at.Sub(begun) != 10*time.Second ||
			w.arrivals[1].at.Sub(begun) > 25*time.Second+lookEvery {
			t.Errorf("arrivals: %v, begun %s", w.arrivals, begun)
		}
	})
}

// TestCourierGathersResults: many results share a commit.
func TestCourierGathersResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, always(200))
		for i := range 80 {
			w.put(int64(i%20), fmt.Sprint(i))
		}
		w.run(time.Minute)
		if w.records != 2 || w.courier.Stats().Delivered != 80 {
			t.Errorf("%d commits of %d results", w.records, w.courier.Stats().Delivered)
		}
	})
}

// TestCourierStorageTrouble: while results cannot be recorded nothing is sent a second time, and
// when the file is lost the courier ends.
//
// It was seen to find a delivery that is sent again before it is recorded, and a courier that ends
// for a full disk.
func TestCourierStorageTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, always(200))
		w.failure, w.blind = errors.New("the disk is full"), true
		r := w.put(0, "one")
		go func() {
			time.Sleep(10 * time.Second)
			w.box.mu.Lock()
			w.blind = false
			w.box.mu.Unlock()
			time.Sleep(10 * time.Minute)
			w.box.mu.Lock()
			w.failure = nil
			w.box.mu.Unlock()
		}()
		w.run(time.Hour)
		if got := fmt.Sprint(w.got(0), w.see(r).status); got != "[one]DELIVERED" {
			t.Error(got)
		}
		if n := w.courier.Stats().Storage; n < 600 {
			t.Errorf("%d failures counted", n)
		}
		w.failure = fmt.Errorf("%w: fsync", persist.ErrStorageFailed)
		w.put(0, "two")
		w.restart(1)
		if err := w.courier.Run(t.Context()); !errors.Is(err, persist.ErrStorageFailed) {
			t.Errorf("Run: %v", err)
		}
	})
}

// TestCourierLog: what a receiver that fails leaves in the log, without the words of operators.
func TestCourierLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		statuses := []int{500, 500, 200, 410}
		w := newWorld(t, 1, func(arrival) int {
			s := statuses[0]
			statuses = statuses[1:]
			return s
		})
		var text bytes.Buffer
		w.courier.log = plainLog(&text)
		w.put(0, "one")
		w.run(time.Hour)
		w.put(0, "two")
		w.restart(1)
		w.courier.log = plainLog(&text)
		w.run(time.Hour)
		want := `level=WARN msg="a webhook does not take a message; it is tried again" ` +
			`webhook=0 delivery=1 status=500 reason=""
level=INFO msg="a webhook takes messages again" webhook=0
level=WARN msg="a webhook is disabled, because it answered that it is gone" webhook=0
`
		if text.String() != want {
			t.Errorf("got\n%swant\n%s", text.String(), want)
		}
		for _, word := range []string{
			"error", "panic", "fatal", "default", "throttled", "stats:", "flushed",
		} {
			if strings.Contains(strings.ToLower(text.String()), word) {
				t.Errorf("the log says %q", word)
			}
		}
	})
}

// plainLog writes level, text and facts.
func plainLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}
