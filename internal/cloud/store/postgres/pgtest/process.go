package pgtest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// process is a running postmaster.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}

	mu  sync.Mutex
	log []string // the newest lines
}

// keptLines is how much of the log an error shows.
const keptLines = 30

// launch starts a command and returns when it has said the ready line on standard error.
func launch(cmd *exec.Cmd, ready string, within time.Duration) (*process, error) {
	said, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	isReady := make(chan struct{})
	go func() {
		defer close(p.ended)
		once := sync.OnceFunc(func() { close(isReady) })
		for lines := bufio.NewScanner(said); lines.Scan(); {
			p.keep(lines.Text())
			if strings.Contains(lines.Text(), ready) {
				once()
			}
		}
		_ = cmd.Wait() // it was told to end, or the log says why it did
	}()
	select {
	case <-isReady:
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("it ended at once:\n%s", p.tail())
	case <-time.After(within):
		p.stop()
		return nil, fmt.Errorf("it was not ready within %v:\n%s", within, p.tail())
	}
}

// stop ends the server at once and waits until it is gone.
func (p *process) stop() {
	if err := immediate(p.cmd.Process); err != nil {
		_ = p.cmd.Process.Signal(os.Kill) // gone already, or not to be asked
	}
	<-p.ended
}

func (p *process) keep(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, line)
	p.log = p.log[max(0, len(p.log)-keptLines):]
}

func (p *process) tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log, "\n")
}
