package process

// Yield does nothing where priorities need more than a call.
func Yield() {}
