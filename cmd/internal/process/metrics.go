package process

import (
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"time"

	"tradingengine/httpd"
)

// started is about when the process was: packages are initialised before main runs.
var started = time.Now()

// Metrics writes what Prometheus' own clients write of a process and of the Go runtime, under the
// names that dashboards know.
func Metrics(m *httpd.Metrics) {
	m.Counter("process_cpu_seconds_total", "Processor time used, the kernel's for it included.")
	m.Value(CPU().Seconds())
	m.Gauge("process_resident_memory_bytes", "Memory of the machine that the process holds.")
	m.Value(float64(Memory()))
	m.Gauge("process_start_time_seconds", "When the process started, since 1970.")
	m.Value(float64(started.UnixMilli()) / 1000)
	if virtual, _, ok := statm(); ok {
		m.Gauge("process_virtual_memory_bytes", "Address space.")
		m.Value(float64(virtual))
	}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		m.Gauge("process_open_fds", "Open files and connections.")
		m.Value(float64(len(files) - 1)) // One of them was open to read the others.
	}
	if most, ok := OpenFilesMax(); ok {
		m.Gauge("process_max_fds", "Files and connections that may be open.")
		m.Value(float64(most))
	}
	m.Gauge("go_info", "1, with the version of Go.")
	m.Value(1, "version", runtime.Version())
	goMetrics(m)
}

// goNumbers are what is told of the Go runtime.
var goNumbers = []struct {
	sample, name, help string
	counter            bool
}{
	{"/sched/goroutines:goroutines", "go_goroutines", "Goroutines that exist.", false},
	{"/sched/threads/total:threads", "go_threads", "Threads of the operating system.", false},
	{
		"/sched/gomaxprocs:threads", "go_sched_gomaxprocs_threads",
		"Threads that may run Go code at once.", false,
	},
	{"/gc/cycles/total:gc-cycles", "go_gc_cycles_total", "Garbage collections.", true},
	{"/gc/gogc:percent", "go_gc_gogc_percent", "GOGC.", false},
	{"/gc/gomemlimit:bytes", "go_gc_gomemlimit_bytes", "GOMEMLIMIT.", false},
	{
		"/cpu/classes/gc/total:cpu-seconds", "go_gc_cpu_seconds_total",
		"Processor time of garbage collections, as the runtime estimates it.", true,
	},
	{"/gc/heap/allocs:bytes", "go_memstats_alloc_bytes_total", "Bytes allocated.", true},
	{"/gc/heap/allocs:objects", "go_memstats_mallocs_total", "Objects allocated.", true},
	{"/gc/heap/frees:objects", "go_memstats_frees_total", "Objects freed.", true},
	{
		"/gc/heap/objects:objects", "go_memstats_heap_objects",
		"Objects, those to be freed included.", false,
	},
	{
		"/gc/heap/goal:bytes", "go_memstats_next_gc_bytes",
		"Heap that the next collection aims at.", false,
	},
	{
		"/gc/heap/live:bytes", "go_gc_heap_live_bytes",
		"Bytes of objects that the last collection found in use.", false,
	},
	{
		"/memory/classes/heap/objects:bytes", "go_memstats_heap_alloc_bytes",
		"Bytes of objects, those to be freed included.", false,
	},
	{
		"/memory/classes/heap/released:bytes", "go_memstats_heap_released_bytes",
		"Bytes given back to the system.", false,
	},
	{"/memory/classes/heap/stacks:bytes", "go_memstats_stack_inuse_bytes", "Bytes of stacks.", false},
	{"/memory/classes/total:bytes", "go_memstats_sys_bytes", "Bytes got from the system.", false},
}

// goTimes are distributions of seconds.
var goTimes = []struct{ sample, name, help string }{
	{"/sched/pauses/total/gc:seconds", "go_gc_pauses_seconds", "Pauses for garbage collections."},
	{"/sched/latencies:seconds", "go_sched_latencies_seconds", "How long goroutines waited to run."},
}

func goMetrics(m *httpd.Metrics) {
	samples := make([]metrics.Sample, 0, len(goNumbers)+len(goTimes))
	for _, n := range goNumbers {
		samples = append(samples, metrics.Sample{Name: n.sample})
	}
	for _, n := range goTimes {
		samples = append(samples, metrics.Sample{Name: n.sample})
	}
	metrics.Read(samples)
	for i, n := range goNumbers {
		begin := m.Gauge
		if n.counter {
			begin = m.Counter
		}
		switch v := samples[i].Value; v.Kind() {
		case metrics.KindUint64:
			begin(n.name, n.help)
			m.Value(float64(v.Uint64()))
		case metrics.KindFloat64:
			begin(n.name, n.help)
			m.Value(v.Float64())
		}
	}
	for i, n := range goTimes {
		if v := samples[len(goNumbers)+i].Value; v.Kind() == metrics.KindFloat64Histogram {
			m.Histogram(n.name, n.help)
			distribution(m, v.Float64Histogram())
		}
	}
}

// secondBounds are coarser than the runtime's buckets, of which there are hundreds.
var secondBounds = []float64{1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1}

// distribution sums the runtime's buckets up. A bucket counts where it ends, so that no duration is
// shown as shorter than it was; the sum is by the middle of each bucket, as the runtime keeps none.
func distribution(m *httpd.Metrics, h *metrics.Float64Histogram) {
	counts := make([]uint64, len(secondBounds)+1)
	sum := 0.0
	for i, n := range h.Counts {
		low, high := max(h.Buckets[i], 0), h.Buckets[i+1]
		if math.IsInf(high, 1) {
			high = low
		}
		at := 0
		for at < len(secondBounds) && high > secondBounds[at] {
			at++
		}
		counts[at] += n
		sum += float64(n) * (low + high) / 2
	}
	m.Distribution(secondBounds, counts, sum)
}
