package faultvfs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
)

// What a Fault answers.
var (
	ErrIO    = errors.New("input/output error")
	ErrFull  = errors.New("no space left on device")
	ErrPower = errors.New("the power is off") // From this call on.
)

// Op is a kind of call that changes the disk.
type Op uint8

// The values of Op.
const (
	Open Op = iota
	Write
	Truncate
	Sync
	Delete
)

// Call is one call of SQLite.
type Call struct {
	Op     Op
	File   string // Without its directory.
	Number int64  // Of the calls of the disk, from 1.
	Grow   int64  // Bytes that a write adds to the size of the file.
}

// Fault decides what becomes of a call: nil lets it go through. It may sleep. Several goroutines
// may ask at the same time.
type Fault func(Call) error

// FailAt fails the call of a number.
func FailAt(number int64, err error) Fault {
	return func(c Call) error {
		if c.Number == number {
			return err
		}
		return nil
	}
}

// FailOp fails every call of a kind.
func FailOp(op Op, err error) Fault {
	return func(c Call) error {
		if c.Op == op {
			return err
		}
		return nil
	}
}

// Space lets files grow by what is left, which whoever holds it may change at any time.
func Space(left *atomic.Int64) Fault {
	return func(c Call) error {
		if c.Grow > 0 && left.Add(-c.Grow) < 0 {
			left.Add(c.Grow)
			return ErrFull
		}
		return nil
	}
}

// Options configure a Disk.
type Options struct {
	// Remember keeps apart what is synced and what is not, in memory, for Kept and Killed. The
	// real files are not synced then, so that many tests are fast.
	Remember bool
	Seed     uint64 // Decides what is kept of what was not synced.
}

// Disk is a directory under control. Its methods may be called from any goroutine.
type Disk struct {
	dir  string
	opts Options

	mu     sync.Mutex
	random *rand.Rand
	files  map[string]*file
	fault  Fault
	calls  int64
	off    bool
}

var disks struct {
	sync.Mutex
	byDir map[string]*Disk
}

// New takes a directory over, which must exist and have no file open. Close gives it free.
func New(dir string, opts Options) (*Disk, error) {
	if err := register(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("faultvfs: %w", err)
	}
	d := &Disk{
		dir: dir, opts: opts, files: make(map[string]*file),
		random: rand.New(rand.NewPCG(opts.Seed, 0xd15c)),
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("faultvfs: %w", err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || strings.HasSuffix(e.Name(), "-shm") {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("faultvfs: %w", err)
		}
		f := &file{exists: true, size: int64(len(content))}
		if opts.Remember {
			f.named, f.synced = true, content
		}
		d.files[e.Name()] = f
	}
	disks.Lock()
	defer disks.Unlock()
	if disks.byDir == nil {
		disks.byDir = make(map[string]*Disk)
	}
	if disks.byDir[dir] != nil {
		return nil, fmt.Errorf("faultvfs: %s is taken over already", dir)
	}
	disks.byDir[dir] = d
	return d, nil
}

// Close gives the directory free: files opened from now on are not the disk's.
func (d *Disk) Close() {
	disks.Lock()
	defer disks.Unlock()
	delete(disks.byDir, d.dir)
}

// SetFault sets what is asked before each call; nil lets all go through.
func (d *Disk) SetFault(fault Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = fault
}

// Calls is how many calls there were.
func (d *Disk) Calls() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}

// CutPower ends everything now, as a Fault does with ErrPower: every later call fails, and changes
// nothing.
func (d *Disk) CutPower() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
}

// IsOff reports whether the power was cut.
func (d *Disk) IsOff() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.off
}

// ask counts a call and returns what becomes of it.
func (d *Disk) ask(op Op, name string, grow int64) error {
	d.mu.Lock()
	if d.off {
		d.mu.Unlock()
		return ErrIO
	}
	d.calls++
	c := Call{Op: op, File: name, Number: d.calls, Grow: grow}
	fault := d.fault
	d.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(c)
}

// opened notes that a file is open, and made when it did not exist. The first sync of a new log
// syncs the directory too.
func (d *Disk) opened(name string, log bool) *file {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[name]
	if f == nil {
		f = &file{}
		d.files[name] = f
	}
	if !f.exists {
		f.name, f.exists, f.size, f.syncsDir = name, true, 0, log
		f.change(d, change{})
	}
	f.name = name
	return f
}

// write writes data to a file by through, or the first half of it when it fails.
func (d *Disk) write(f *file, data []byte, offset int64, through func(n int)) error {
	end := offset + int64(len(data))
	d.mu.Lock()
	grow := max(0, end-f.size)
	d.mu.Unlock()
	err := d.ask(Write, f.name, grow)
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(data)
	switch {
	case d.off:
		return ErrIO
	case errors.Is(err, ErrPower):
		d.off = true
	case err != nil:
		n /= 2
	}
	through(n)
	f.size = max(f.size, offset+int64(n))
	f.change(d, change{offset: offset, data: data[:n]})
	return err
}

// truncate cuts a file by through.
func (d *Disk) truncate(f *file, size int64, through func()) error {
	err := d.ask(Truncate, f.name, 0)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return ErrIO
	}
	if err == nil || errors.Is(err, ErrPower) {
		through()
		f.size = size
		f.change(d, change{offset: size})
	}
	d.off = errors.Is(err, ErrPower)
	return err
}

// sync brings a file to the disk, by through where the disk is only the real one.
func (d *Disk) sync(f *file, through func()) error {
	err := d.ask(Sync, f.name, 0)
	if !d.opts.Remember && err == nil {
		through() // Not under the mutex: it may take long.
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.off:
		return ErrIO
	case errors.Is(err, ErrPower):
		d.off = true
	case err != nil:
		f.loseCache(d.random)
	default:
		f.sync()
		if f.syncsDir {
			f.syncsDir = false
			d.syncDir()
		}
	}
	return err
}

// remove deletes a file by through.
func (d *Disk) remove(name string, syncDir bool, through func() bool) error {
	err := d.ask(Delete, name, 0)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return ErrIO
	}
	if err == nil || errors.Is(err, ErrPower) {
		if f := d.files[name]; through() && f != nil {
			f.exists, f.size = false, 0
		}
		if syncDir && err == nil {
			d.syncDir()
		}
	}
	d.off = errors.Is(err, ErrPower)
	return err
}
