package pgtest

import (
	"os"
	"os/exec"
)

// account is who the server runs as: on Windows we ourselves.
type account struct{}

func unprivileged() (account, error) { return account{}, nil }

func (account) own(string) error { return nil }

func (account) command(name string, args ...string) *exec.Cmd { return exec.Command(name, args...) }

func immediate(p *os.Process) error { return p.Kill() }
