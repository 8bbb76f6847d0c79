package blackbox

import (
	"os/exec"
	"testing"
)

// asNobody is not done on Windows, where nobody is user 0.
func asNobody(t *testing.T, _ *exec.Cmd) { t.Skip("there is no such user") }
