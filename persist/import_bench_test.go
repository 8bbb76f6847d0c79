package persist

import (
	"testing"

	"tradingengine/core"
)

// BenchmarkImport takes all recorded files into an empty directory, synced. Fewer rows a second
// mean that an operator waits longer for history; 200,000 are promised.
func BenchmarkImport(b *testing.B) {
	files := recordedFiles(b, "*.csv.gz")
	b.ReportAllocs()
	var rows int64
	for b.Loop() {
		r, err := Import(b.Context(), ImportOptions{
			Store: openImportStore(b, b.TempDir()), Files: files, Throttle: core.DefaultThreshold,
		})
		if err != nil {
			b.Fatal(err)
		}
		rows += r.Rows
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkExport reads all stored ticks of the recorded files. Fewer rows a second mean longer
// exports, not slower servers: what counts for those is that each read is short.
func BenchmarkExport(b *testing.B) {
	s := openImportStore(b, b.TempDir())
	mustImport(b, s, recordedFiles(b, "*.csv.gz")...)
	b.ReportAllocs()
	var rows int64
	for b.Loop() {
		r, err := Export(b.Context(), ExportOptions{Store: s, W: discard{}})
		if err != nil {
			b.Fatal(err)
		}
		rows += r.Rows
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
