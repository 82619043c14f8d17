package main

import (
	"os"

	"github.com/prometheus/procfs"
)

// CPU is processor time in seconds, by program.
type CPU struct {
	Operator  float64 `json:"operator"`
	APIServer float64 `json:"apiServer"`
	Etcd      float64 `json:"etcd"`
	// Lab is the imitation of ACK, the model of AWS, and this benchmark with its watch.
	Lab float64 `json:"lab"`
}

// Total is the time of all programs.
func (c CPU) Total() float64 { return c.Operator + c.APIServer + c.Etcd + c.Lab }

func (c CPU) since(before CPU) CPU {
	return CPU{
		Operator: c.Operator - before.Operator, APIServer: c.APIServer - before.APIServer,
		Etcd: c.Etcd - before.Etcd, Lab: c.Lab - before.Lab,
	}
}

// processes is what this program and its children have used so far, as /proc tells, of which the one of that number is the
// operator. A child that is gone counts nothing.
func processes(operator int) CPU {
	var used CPU
	all, err := procfs.AllProcs()
	if err != nil {
		return used
	}
	self := os.Getpid()
	for _, process := range all {
		stat, err := process.Stat()
		if err != nil || stat.PID != self && stat.PPID != self {
			continue
		}
		switch {
		case stat.PID == self:
			used.Lab = stat.CPUTime()
		case stat.PID == operator:
			used.Operator = stat.CPUTime()
		case stat.Comm == "kube-apiserver":
			used.APIServer = stat.CPUTime()
		case stat.Comm == "etcd":
			used.Etcd = stat.CPUTime()
		}
	}
	return used
}

// peak is the most memory that the operator ever had resident, in bytes; zero if it is gone.
func (o *operator) peak() uint64 { return o.memory().VmHWM }

// resident is the memory that the operator has resident now, in bytes.
func (o *operator) resident() uint64 { return o.memory().VmRSS }

func (o *operator) memory() procfs.ProcStatus {
	process, err := procfs.NewProc(o.command.Process.Pid)
	if err != nil {
		return procfs.ProcStatus{}
	}
	status, err := process.NewStatus()
	if err != nil {
		return procfs.ProcStatus{}
	}
	return status
}
