package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/amlmove/amlmove/internal/cloud/folder"
	"github.com/amlmove/amlmove/internal/errs"
)

// detach starts `cloud up` in the background and returns when it is ready.
func detach(ctx context.Context, s streams, o upOptions) error {
	dir, err := folder.Make(o.data)
	if err != nil {
		return err
	}
	if state, err := folder.Read(dir); err == nil && state.Answers(ctx) {
		return errs.New(errs.Conflict, "CloudRunning", "a cloud runs on %s already: %s (process %d)", dir, state.Endpoint, state.PID).
			Advise("stop it with: amlmove cloud down --data %s", o.data)
	}
	if err := folder.Withdraw(dir); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	logPath := filepath.Join(dir, folder.LogFile)
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return errs.Wrap(errs.Unavailable, "DataFolder", err, "write the log %s", logPath)
	}
	defer func() { _ = log.Close() }()
	args := []string{"cloud", "up", "--listen", o.listen, "--advertise", o.advertise, "--data", dir, "--store", o.store, "--fixture", o.fixture, "--snapshot", o.snapshot, "--scale", strconv.Itoa(o.scale)}
	if o.allowRemote {
		args = append(args, "--allow-remote")
	}
	cmd := exec.Command(self, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = apart()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the cloud: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return awaitReady(ctx, s, dir, logPath, cmd.Process, ended)
}

// awaitReady waits for cloud.json of a process, or for its end.
func awaitReady(ctx context.Context, s streams, dir, logPath string, process *os.Process, ended <-chan error) error {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ended:
			text, _ := os.ReadFile(logPath)
			return errs.New(errs.Unavailable, "CloudFailed", "the cloud did not start: %s", strings.TrimSpace(string(text))).Advise("the log is %s", logPath)
		case <-ctx.Done():
			_ = process.Signal(syscall.SIGTERM)
			return ctx.Err()
		case <-look.C:
			if state, err := folder.Read(dir); err == nil && state.PID == process.Pid {
				_, err := fmt.Fprintf(s.out, "cloud ready at %s (fixture %s, process %d)\n  . %s\n", state.Endpoint, state.Fixture, state.PID, filepath.Join(dir, folder.EnvFile))
				return err
			}
		}
	}
}

func newCloudDown(s streams) *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "down", Short: "Stop a cloud; what it holds stays in its data folder", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			state, err := folder.Read(data)
			if err != nil {
				return err
			}
			if !state.Answers(cmd.Context()) { // its process id may be somebody else's by now: nobody is stopped on a guess
				_, _ = fmt.Fprintf(s.err, "the cloud of %s (process %d) does not answer any more: it is forgotten\n", data, state.PID)
				return folder.Withdraw(data)
			}
			if err := stop(state.PID); err != nil {
				return fmt.Errorf("stop the cloud, process %d: %w", state.PID, err)
			}
			look := time.NewTicker(10 * time.Millisecond)
			defer look.Stop()
			for alive(state.PID) {
				select {
				case <-cmd.Context().Done():
					return cmd.Context().Err()
				case <-look.C:
				}
			}
			_, err = fmt.Fprintf(s.out, "cloud stopped; its data stays in %s\n", data)
			return err
		},
	}
	cmd.Flags().StringVar(&data, "data", defaultData, "data `folder`")
	return cmd
}
