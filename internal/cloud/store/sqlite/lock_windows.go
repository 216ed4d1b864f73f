package sqlite

import (
	"os"

	"golang.org/x/sys/windows"
)

// lockedAt is the byte that is locked: far behind the text, so that others can read it.
const lockedAt = 1 << 20

// lockExclusive takes the lock or fails at once.
func lockExclusive(file *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, &windows.Overlapped{Offset: lockedAt})
}

func unlock(file *os.File) error {
	return windows.UnlockFileEx(windows.Handle(file.Fd()), 0, 1, 0, &windows.Overlapped{Offset: lockedAt})
}
