package cli

import (
	"os"
	"syscall"

	win "golang.org/x/sys/windows"
)

// stillActive is the exit code of a process that has not ended.
const stillActive = 259

// alive reports whether a process that is being stopped still runs.
func alive(pid int) bool {
	if pid <= 0 {
		return false
	}
	process, err := win.OpenProcess(win.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return err == win.ERROR_ACCESS_DENIED
	}
	defer func() { _ = win.CloseHandle(process) }()
	var code uint32
	return win.GetExitCodeProcess(process, &code) == nil && code == stillActive
}

// stop ends a process. Windows has no signal that asks for it; what was acknowledged is on the disk.
func stop(pid int) error {
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return process.Kill()
}

// apart is how a process starts that outlives this terminal.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: win.DETACHED_PROCESS | win.CREATE_NEW_PROCESS_GROUP}
}
