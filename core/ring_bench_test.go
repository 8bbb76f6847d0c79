package core

import (
	"fmt"
	"testing"
)

// BenchmarkRingWrite measures one put of a ring: four atomic stores and the head's. It is done
// twice for each stored tick (live quote and tick), so a regression here is felt twice in
// BenchmarkShard; one beyond a few ns means that a put began to allocate or to build a slice.
func BenchmarkRingWrite(b *testing.B) {
	b.Run("put3", func(b *testing.B) {
		w := newRingWriter(3, newestPromise, newestPromise+1)
		b.ReportAllocs()
		for i := range int64(b.N) {
			w.put3(i, i, i)
		}
	})
	b.Run("put4", func(b *testing.B) {
		w := newRingWriter(tickWords, 50_000, tickChunk)
		w.reserve(w.slots)
		b.ReportAllocs()
		b.ResetTimer()
		for i := range int64(b.N) {
			w.put4(i, i, i, i)
		}
	})
	b.Run("put bar", func(b *testing.B) {
		w := newRingWriter(barWords, 5_000, barChunk)
		w.reserve(w.slots)
		words := make([]int64, barWords)
		b.ReportAllocs()
		b.ResetTimer()
		for range b.N {
			w.put(words)
		}
	})
}

// BenchmarkRingRead measures copying runs of ticks out of a ring, a tick. History requests, the
// storage writer and streams all read so; slower means that each of them reads slower.
func BenchmarkRingRead(b *testing.B) {
	w := newRingWriter(tickWords, 50_000, tickChunk)
	for i := range int64(60_000) {
		w.put4(i, i, i, i)
	}
	for _, run := range []int{1, 64, 500} {
		b.Run(fmt.Sprint("run=", run), func(b *testing.B) {
			dst := make([]int64, run*tickWords)
			oldest, head := w.span()
			cursor := oldest
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += run {
				first, n := w.read(cursor, dst)
				if cursor = first + uint64(n); cursor+uint64(run) > head {
					cursor = oldest
				}
			}
		})
	}
}
