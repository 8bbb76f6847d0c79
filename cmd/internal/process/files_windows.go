package process

// OpenFilesMax is not known: Windows has no such limit.
func OpenFilesMax() (uint64, bool) { return 0, false }
