package faultvfs

import (
	"fmt"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// SQLite calls a VFS through two tables of C function pointers: of the file system, and of each
// open file. Ours differ from those below in what changes a disk. The memory that SQLite gives for
// a file begins with a head of ours; the file of the VFS below lies behind it.
type head struct {
	methods uintptr
	handle  uintptr // Of the openFile.
}

const headSize = unsafe.Sizeof(head{})

type (
	table   = sqlite3.Tsqlite3_vfs
	methods = sqlite3.Tsqlite3_io_methods
)

// The tables, which SQLite keeps for ever.
var (
	below      uintptr // SQLite's own default VFS.
	ours       table
	fileTable  methods
	vfsName    = [...]byte{'f', 'a', 'u', 'l', 't', 'y', 0}
	install    sync.Once
	installing error
)

// at is the Go form of a C pointer to memory that is not Go's, or is never moved.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// call is the Go form of a C function pointer: the translated library keeps Go's own in its place.
func call[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&p)) }

// pointer is the opposite of call. A function without captured variables is never collected.
func pointer[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

// fileBelow returns the file of the VFS below, and its methods.
func fileBelow(file uintptr) (uintptr, *methods) {
	file += headSize
	return file, at[methods](at[sqlite3.Tsqlite3_file](file).FpMethods)
}

// The kinds of C functions that are used, by what they take after the thread.
type (
	fn      = func(*libc.TLS, uintptr) int32
	fnInt   = func(*libc.TLS, uintptr, int32) int32
	fnPtr   = func(*libc.TLS, uintptr, uintptr) int32
	fnBytes = func(*libc.TLS, uintptr, uintptr, int32, int64) int32
	fnSize  = func(*libc.TLS, uintptr, int64) int32
	fnCtl   = func(*libc.TLS, uintptr, int32, uintptr) int32
	fnMap   = func(*libc.TLS, uintptr, int32, int32, int32, uintptr) int32
	fnLock  = func(*libc.TLS, uintptr, int32, int32, int32) int32
	fnNone  = func(*libc.TLS, uintptr)
	fnOpen  = func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32
	fnName  = func(*libc.TLS, uintptr, uintptr, int32) int32
)

// register puts our VFS before SQLite's default one.
func register() error {
	install.Do(func() {
		tls := libc.NewTLS()
		defer tls.Close()
		below = sqlite3.Xsqlite3_vfs_find(tls, 0)
		ours = *at[table](below)
		ours.FzName = pointer(&vfsName)
		ours.FszOsFile += int32(headSize)
		ours.FxOpen, ours.FxDelete = pointer[fnOpen](openFileOf), pointer[fnName](deleteFile)
		fillFileTable()
		if rc := sqlite3.Xsqlite3_vfs_register(tls, pointer(&ours), 1); rc != sqlite3.SQLITE_OK {
			installing = fmt.Errorf("faultvfs: SQLite refuses the VFS: %d", rc)
		}
	})
	return installing
}

// fillFileTable sets what SQLite calls for an open file. Version 2 has no memory-mapped reads.
func fillFileTable() {
	fileTable = methods{
		FiVersion: 2,
		FxClose:   pointer[fn](closeFile), FxWrite: pointer[fnBytes](writeFile),
		FxTruncate: pointer[fnSize](truncateFile), FxSync: pointer[fnInt](syncFile),
		FxRead: pointer(func(tls *libc.TLS, p, buffer uintptr, n int32, offset int64) int32 {
			f, m := fileBelow(p)
			return call[fnBytes](m.FxRead)(tls, f, buffer, n, offset)
		}),
		FxFileSize: pointer(func(tls *libc.TLS, p, size uintptr) int32 {
			f, m := fileBelow(p)
			return call[fnPtr](m.FxFileSize)(tls, f, size)
		}),
		FxLock: pointer(func(tls *libc.TLS, p uintptr, level int32) int32 {
			f, m := fileBelow(p)
			return call[fnInt](m.FxLock)(tls, f, level)
		}),
		FxUnlock: pointer(func(tls *libc.TLS, p uintptr, level int32) int32 {
			f, m := fileBelow(p)
			return call[fnInt](m.FxUnlock)(tls, f, level)
		}),
		FxCheckReservedLock: pointer(func(tls *libc.TLS, p, result uintptr) int32 {
			f, m := fileBelow(p)
			return call[fnPtr](m.FxCheckReservedLock)(tls, f, result)
		}),
		FxFileControl: pointer(func(tls *libc.TLS, p uintptr, op int32, arg uintptr) int32 {
			f, m := fileBelow(p)
			return call[fnCtl](m.FxFileControl)(tls, f, op, arg)
		}),
		FxSectorSize: pointer(func(tls *libc.TLS, p uintptr) int32 {
			f, m := fileBelow(p)
			return call[fn](m.FxSectorSize)(tls, f)
		}),
		FxDeviceCharacteristics: pointer(func(tls *libc.TLS, p uintptr) int32 {
			f, m := fileBelow(p)
			return call[fn](m.FxDeviceCharacteristics)(tls, f)
		}),
	}
	fillSharedMemory()
}

// fillSharedMemory passes by what belongs to the index of a write-ahead log.
func fillSharedMemory() {
	fileTable.FxShmMap = pointer(
		func(tls *libc.TLS, p uintptr, page, size, extend int32, result uintptr) int32 {
			f, m := fileBelow(p)
			return call[fnMap](m.FxShmMap)(tls, f, page, size, extend, result)
		})
	fileTable.FxShmLock = pointer(func(tls *libc.TLS, p uintptr, offset, n, flags int32) int32 {
		f, m := fileBelow(p)
		return call[fnLock](m.FxShmLock)(tls, f, offset, n, flags)
	})
	fileTable.FxShmBarrier = pointer(func(tls *libc.TLS, p uintptr) {
		f, m := fileBelow(p)
		call[fnNone](m.FxShmBarrier)(tls, f)
	})
	fileTable.FxShmUnmap = pointer(func(tls *libc.TLS, p uintptr, remove int32) int32 {
		f, m := fileBelow(p)
		return call[fnInt](m.FxShmUnmap)(tls, f, remove)
	})
}
