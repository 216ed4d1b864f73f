package sqlite

import (
	"os"

	"golang.org/x/sys/windows"
)

// lockExclusive takes the lock or fails at once. The locked byte lies behind the text, so that others can read it.
func lockExclusive(file *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, &windows.Overlapped{Offset: 1 << 20})
}
