package database

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// ownProcessGroup keeps a terminal's interrupt from reaching the server before its owner stops it, and lets the kernel
// end the server if the owner is killed.
func ownProcessGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// stopBound is how long the kernel may take to stop a process.
const stopBound = 10 * time.Second

// awaitStopped waits until none of the server's threads runs.
func (s *Server) awaitStopped() error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(stopBound); time.Now().Before(deadline); <-tick.C {
		threads, err := procfs.AllThreads(s.cmd.Process.Pid)
		if err != nil {
			return fmt.Errorf("look at the database's threads: %w", err)
		}
		if !slices.ContainsFunc(threads, runs) {
			return nil
		}
	}
	return fmt.Errorf("the database's process was not stopped within %s", stopBound)
}

// runs says whether a thread is not stopped; one that is gone does not run.
func runs(thread procfs.Proc) bool {
	stat, err := thread.Stat()
	return err == nil && stat.State != "T"
}
