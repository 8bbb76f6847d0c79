package faultvfs

import (
	"errors"
	"path/filepath"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// openFile is one descriptor of a file of a disk.
type openFile struct {
	disk *Disk
	file *file
}

// open are the descriptors that SQLite has, by handle.
var open struct {
	sync.Mutex
	last  uintptr
	files map[uintptr]openFile
}

func opened(p uintptr) openFile {
	open.Lock()
	defer open.Unlock()
	return open.files[at[head](p).handle]
}

// result is what SQLite is told about a call that failed with err: code when the disk said no.
func result(err error, code int32) int32 {
	switch {
	case err == nil:
		return sqlite3.SQLITE_OK
	case errors.Is(err, ErrFull):
		return sqlite3.SQLITE_FULL
	}
	return code
}

func openFileCall(tls *libc.TLS, name, p uintptr, flags int32, outFlags uintptr) int32 {
	return call[fnOpen](at[table](below).FxOpen)(tls, below, name, p, flags, outFlags)
}

// openFileOf opens a file: those of no disk are the default VFS's alone.
func openFileOf(tls *libc.TLS, _, name, p uintptr, flags int32, outFlags uintptr) int32 {
	disk, base := diskOf(name)
	if disk == nil {
		return openFileCall(tls, name, p, flags, outFlags)
	}
	h := at[head](p)
	*h = head{}
	if err := disk.ask(Open, base, 0); err != nil {
		if errors.Is(err, ErrPower) {
			disk.CutPower()
		}
		return result(err, sqlite3.SQLITE_CANTOPEN)
	}
	if rc := openFileCall(tls, name, p+headSize, flags, outFlags); rc != sqlite3.SQLITE_OK {
		return rc
	}
	const logs = sqlite3.SQLITE_OPEN_WAL | sqlite3.SQLITE_OPEN_MAIN_JOURNAL
	f := disk.opened(base, flags&logs != 0)
	open.Lock()
	defer open.Unlock()
	if open.files == nil {
		open.files = make(map[uintptr]openFile)
	}
	open.last++
	open.files[open.last] = openFile{disk, f}
	*h = head{methods: pointer(&fileTable), handle: open.last}
	return sqlite3.SQLITE_OK
}

func closeFile(tls *libc.TLS, p uintptr) int32 {
	open.Lock()
	delete(open.files, at[head](p).handle)
	open.Unlock()
	f, m := fileBelow(p)
	return call[fn](m.FxClose)(tls, f)
}

func writeFile(tls *libc.TLS, p, buffer uintptr, n int32, offset int64) int32 {
	o := opened(p)
	f, m := fileBelow(p)
	data := unsafe.Slice(at[byte](buffer), n)
	rc := int32(sqlite3.SQLITE_OK)
	err := o.disk.write(o.file, data, offset, func(n int) {
		rc = call[fnBytes](m.FxWrite)(tls, f, buffer, int32(n), offset)
	})
	if rc != sqlite3.SQLITE_OK {
		return rc
	}
	return result(err, sqlite3.SQLITE_IOERR_WRITE)
}

func truncateFile(tls *libc.TLS, p uintptr, size int64) int32 {
	o := opened(p)
	f, m := fileBelow(p)
	rc := int32(sqlite3.SQLITE_OK)
	err := o.disk.truncate(o.file, size, func() {
		rc = call[fnSize](m.FxTruncate)(tls, f, size)
	})
	if rc != sqlite3.SQLITE_OK {
		return rc
	}
	return result(err, sqlite3.SQLITE_IOERR_TRUNCATE)
}

func syncFile(tls *libc.TLS, p uintptr, flags int32) int32 {
	o := opened(p)
	f, m := fileBelow(p)
	rc := int32(sqlite3.SQLITE_OK)
	err := o.disk.sync(o.file, func() { rc = call[fnInt](m.FxSync)(tls, f, flags) })
	if rc != sqlite3.SQLITE_OK {
		return rc
	}
	return result(err, sqlite3.SQLITE_IOERR_FSYNC)
}

func deleteFile(tls *libc.TLS, _, name uintptr, syncDir int32) int32 {
	through := func() int32 {
		return call[fnName](at[table](below).FxDelete)(tls, below, name, syncDir)
	}
	disk, base := diskOf(name)
	if disk == nil {
		return through()
	}
	rc := int32(sqlite3.SQLITE_OK)
	err := disk.remove(base, syncDir&1 != 0, func() bool {
		rc = through()
		return rc == sqlite3.SQLITE_OK
	})
	if rc != sqlite3.SQLITE_OK {
		return rc
	}
	return result(err, sqlite3.SQLITE_IOERR_DELETE)
}

// diskOf returns the disk that a file lies on, if any, and its name there.
func diskOf(name uintptr) (*Disk, string) {
	if name == 0 {
		return nil, "" // A temporary file.
	}
	path := libc.GoString(name)
	disks.Lock()
	defer disks.Unlock()
	return disks.byDir[filepath.Dir(path)], filepath.Base(path)
}
