//go:build unix

package blackbox

import (
	"os/exec"
	"syscall"
	"testing"
)

// asNobody lets a command run as the user without rights.
func asNobody(_ *testing.T, cmd *exec.Cmd) {
	const nobody = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}
