//go:build unix

package sqlite

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockExclusive takes the lock or fails at once.
func lockExclusive(file *os.File) error {
	return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

func unlock(file *os.File) error { return unix.Flock(int(file.Fd()), unix.LOCK_UN) }
