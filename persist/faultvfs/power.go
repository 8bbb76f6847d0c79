package faultvfs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// sector is what a disk writes whole, or not at all, or destroys.
const sector = 512

// file is a file by its name. What processes see is in the real file; the rest is remembered here.
type file struct {
	name   string
	exists bool  // Processes see it.
	size   int64 // As processes see it.

	named    bool   // Its name is on the disk.
	synced   []byte // What is on the disk for sure.
	pending  []change
	syncsDir bool
}

// change is a write, or without data a cut to offset, that was not synced.
type change struct {
	offset int64
	data   []byte
}

func (f *file) change(d *Disk, c change) {
	if d.opts.Remember {
		c.data = bytes.Clone(c.data)
		f.pending = append(f.pending, c)
	}
}

// sync puts everything on the disk.
func (f *file) sync() {
	for _, c := range f.pending {
		f.synced = c.apply(f.synced)
	}
	f.pending = nil
}

// loseCache is a sync that failed: some of it is on the disk, and the rest is never written.
func (f *file) loseCache(random *rand.Rand) {
	f.synced = f.survivor(random)
	f.pending = nil
}

// syncDir puts the names of all files on the disk, and takes those of deleted ones from it.
func (d *Disk) syncDir() {
	for _, f := range d.files {
		f.named = f.exists
		if !f.exists {
			f.synced, f.pending = nil, nil
		}
	}
}

func (c *change) apply(content []byte) []byte {
	if c.data == nil {
		return resize(content, c.offset)
	}
	return place(content, c.offset, c.data)
}

func resize(content []byte, size int64) []byte {
	if int64(len(content)) >= size {
		return content[:size:size]
	}
	return append(content, make([]byte, size-int64(len(content)))...)
}

func place(content []byte, offset int64, data []byte) []byte {
	if end := offset + int64(len(data)); end > int64(len(content)) {
		content = resize(content, end)
	}
	copy(content[offset:], data)
	return content
}

// survivor is a content that the disk may hold after a power cut: any part of what was not synced.
func (f *file) survivor(random *rand.Rand) []byte {
	content := slices.Clone(f.synced)
	// Both all-or-nothing and a fine mixture are likely, and often only the first changes count.
	share := []float64{0, 0.5, 0.9, 1}[random.IntN(4)]
	changes := f.pending
	if random.IntN(2) == 0 {
		changes = changes[:random.IntN(len(changes)+1)]
	}
	for i := range changes {
		c := &changes[i]
		if c.data == nil {
			if random.Float64() < share {
				content = c.apply(content)
			}
			continue
		}
		for at := 0; at < len(c.data); {
			offset := c.offset + int64(at)
			end := min(len(c.data), at+int(sector-offset%sector))
			part := c.data[at:end]
			switch {
			case random.Float64() < share:
				content = place(content, offset, part)
			case random.IntN(16) == 0:
				garbage := make([]byte, len(part))
				for i := range garbage {
					garbage[i] = byte(random.Uint32())
				}
				content = place(content, offset, garbage)
			}
			at = end
		}
	}
	return content
}

var errForgetful = errors.New("faultvfs: the disk was not made to remember")

// Kept cuts the power, if it is not off yet, and writes into another directory what the disk holds
// when the power comes back. Called again it may find something else: a further possible outcome.
func (d *Disk) Kept(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.opts.Remember {
		return errForgetful
	}
	d.off = true
	names := make([]string, 0, len(d.files))
	for name := range d.files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f := d.files[name]
		there := f.named
		if f.named != f.exists {
			there = d.random.IntN(2) == 0
		}
		if !there {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), f.survivor(d.random), 0o600); err != nil {
			return fmt.Errorf("faultvfs: %w", err)
		}
	}
	return nil
}

// Rewrite is what a program does that reads a file, writes the same bytes over it, and syncs it,
// past SQLite: from now on the disk has what processes see.
func (d *Disk) Rewrite(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[filepath.Base(path)]
	switch {
	case d.off:
		return ErrIO
	case f == nil || !f.exists || !d.opts.Remember:
		return nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("faultvfs: %w", err)
	}
	f.synced, f.pending = content, nil
	return nil
}

// Killed ends the processes of the disk, and returns it as a new process finds it, in another
// directory: nothing that was written is missing, but what was not synced is not safe yet.
func (d *Disk) Killed(dir string) (*Disk, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.opts.Remember {
		return nil, errForgetful
	}
	d.off = true
	for name, f := range d.files {
		if !f.exists {
			continue
		}
		content, err := os.ReadFile(filepath.Join(d.dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), content, 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("faultvfs: %w", err)
		}
	}
	next, err := New(dir, Options{Remember: true, Seed: d.random.Uint64()})
	if err == nil {
		next.mu.Lock()
		defer next.mu.Unlock()
		next.files = d.files
	}
	return next, err
}
