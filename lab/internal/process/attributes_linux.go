package process

import "syscall"

// attributes puts the child into a process group of its own, out of reach of the
// terminal's Ctrl-C, and has the kernel kill it when its parent dies. The state that
// matters is already with the kernel (page cache), so SIGKILL loses nothing.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
