package sqlite

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/amlmove/amlmove/internal/errs"
)

// fileLock keeps a second process away from a store: a lock of the operating system on a file next to it. The lock goes
// with the process however that ends; the file stays and holds the number of whoever had it last.
type fileLock struct{ file *os.File }

// lockFile locks the store in path or says who has it.
func lockFile(path string) (*fileLock, error) {
	file, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, cannotCreate(path, err)
	}
	if err := lockExclusive(file); err != nil {
		holder := ""
		if text, err := io.ReadAll(io.LimitReader(file, 20)); err == nil && strings.TrimSpace(string(text)) != "" {
			holder = " (process " + strings.TrimSpace(string(text)) + ")"
		}
		_ = file.Close()
		return nil, errs.Wrap(errs.Conflict, "StoreLocked", err, "the store %s is in use by another cloud%s", path, holder).At(path).
			Advise("stop that one, or name another file; PostgreSQL lets several nodes share a store")
	}
	// The number is for people. Without it the lock is as good.
	if err := file.Truncate(0); err == nil {
		_, _ = fmt.Fprintf(file, "%d\n", os.Getpid())
	}
	return &fileLock{file}, nil
}

// release gives the lock free. Closing the file alone would leave it to a child that this process is just starting and that
// has not yet closed what it inherited.
func (l *fileLock) release() {
	_ = unlock(l.file) // closing it is the other way to the same end
	_ = l.file.Close()
}
