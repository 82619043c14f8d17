//go:build unix && !linux

package process

import "syscall"

// attributes puts the child into a process group of its own, out of reach of the
// terminal's Ctrl-C. Only Linux can tie a child's life to its parent's.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
