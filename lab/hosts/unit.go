package hosts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// unit is the part of a systemd service that a host without systemd carries out.
// https://www.freedesktop.org/software/systemd/man/systemd.service.html
type unit struct {
	environmentFiles []string // in order; one with "-" in front may be missing
	before, start    string   // ExecStartPre and ExecStart, without arguments
	restartDelay     time.Duration
	stopTimeout      time.Duration
}

// sandbox are settings that confine a service. A process of the lab's own user cannot be confined by them; a host in a
// container is.
var sandbox = []string{
	"User", "DynamicUser", "UMask", "NoNewPrivileges", "CapabilityBoundingSet", "AmbientCapabilities",
	"ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "DevicePolicy", "ProtectClock", "ProtectHostname",
	"ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "ProtectControlGroups", "ProtectProc",
	"RemoveIPC", "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID",
	"LockPersonality", "MemoryDenyWriteExecute", "SystemCallArchitectures", "SystemCallFilter",
	"SystemCallErrorNumber", "MemoryHigh", "MemoryMax", "TasksMax", "LimitNOFILE",
}

// parseUnit reads a unit. What it does not know is an error: it could be what the host depends on.
func parseUnit(text string) (unit, error) {
	var u unit
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, value, assignment := strings.Cut(line, "=")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
		case !assignment:
			return unit{}, fmt.Errorf("unit: %q is no setting", line)
		case section != "Service" || slices.Contains(sandbox, name):
		default:
			if err := u.set(name, value); err != nil {
				return unit{}, fmt.Errorf("unit: %s=%s: %w", name, value, err)
			}
		}
	}
	if u.start == "" || u.stopTimeout == 0 {
		return unit{}, errors.New("unit: it lacks ExecStart or TimeoutStopSec")
	}
	return u, nil
}

func (u *unit) set(name, value string) error {
	var err error
	switch name {
	case "EnvironmentFile":
		u.environmentFiles = append(u.environmentFiles, value)
	case "ExecStartPre":
		u.before, err = program(strings.TrimPrefix(value, "+"), u.before)
	case "ExecStart":
		u.start, err = program(value, u.start)
	case "RestartSec":
		u.restartDelay, err = seconds(value)
	case "TimeoutStopSec":
		u.stopTimeout, err = seconds(value)
	case "Type", "TimeoutStartSec":
	case "Restart":
		if value != "always" {
			err = errors.New("the lab restarts always")
		}
	default:
		err = errors.New("the lab does not know this setting")
	}
	return err
}

func program(value, before string) (string, error) {
	if before != "" || strings.ContainsAny(value, " \t%$") || !strings.HasPrefix(value, "/") {
		return "", errors.New("want one absolute path without arguments")
	}
	return value, nil
}

func seconds(value string) (time.Duration, error) {
	if strings.Trim(value, "0123456789") == "" {
		value += "s"
	}
	return time.ParseDuration(value)
}
