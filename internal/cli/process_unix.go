//go:build unix

package cli

import (
	"errors"
	"syscall"
)

// alive reports whether a process that is being stopped still runs.
func alive(pid int) bool {
	if pid <= 0 {
		return false
	}
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// stop asks a process to end.
func stop(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) }

// apart is how a process starts that outlives this terminal.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
