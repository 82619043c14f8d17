package database

import "syscall"

// ownProcessGroup keeps a terminal's interrupt from reaching the server before its owner stops it, and lets the kernel
// end the server if the owner is killed.
func ownProcessGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
