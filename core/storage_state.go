package core

// StorageError returns why storage gave up, as StorageFailed was told, or nil while it works.
func (e *Engine) StorageError() error {
	e.barrier.mu.Lock()
	defer e.barrier.mu.Unlock()
	return e.barrier.failed
}
