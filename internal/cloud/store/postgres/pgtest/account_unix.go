//go:build unix

package pgtest

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// account is who the server runs as: PostgreSQL refuses to be root.
type account struct{ credential *syscall.Credential }

// unprivileged is the user postgres, or nobody, if we are root; else we ourselves.
func unprivileged() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUser := strconv.ParseUint(found.Uid, 10, 32)
		gid, errGroup := strconv.ParseUint(found.Gid, 10, 32)
		if errUser == nil && errGroup == nil {
			return account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
		}
	}
	return account{}, fmt.Errorf("pgtest: running as root, and there is neither a user postgres nor nobody")
}

// own gives a folder to the account.
func (a account) own(folder string) error {
	if a.credential == nil {
		return nil
	}
	return os.Chown(folder, int(a.credential.Uid), int(a.credential.Gid))
}

// command makes a command that runs as the account and, where the system can see to it, does not outlive us.
func (a account) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential}
	dieWithUs(cmd.SysProcAttr)
	return cmd
}

// immediate asks a postmaster to end all its processes without a checkpoint.
func immediate(p *os.Process) error { return p.Signal(syscall.SIGQUIT) }
