//go:build !linux

package database

import "syscall"

// ownProcessGroup keeps a terminal's interrupt from reaching the server before its owner stops it.
func ownProcessGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitStopped leaves it to the signal.
func (s *Server) awaitStopped() error { return nil }
