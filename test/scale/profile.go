package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"k8s.io/client-go/rest"
)

// profileSeconds is how long the processor profiles of other processes last.
const profileSeconds = 20

// profile begins to take profiles of the operator, of the API server and of this process, which is the simulator's. The
// function that it returns ends them.
func (b *bench) profile(ctx context.Context, phase string) (stop func() error, err error) {
	if b.settings.profiles == "" {
		return func() error { return nil }, nil
	}
	name := func(what string) string {
		return filepath.Join(b.settings.profiles, fmt.Sprintf("%s-%d-%s.pprof", phase, b.n, what))
	}
	if err := os.MkdirAll(b.settings.profiles, 0o750); err != nil {
		return nil, fmt.Errorf("make the folder of profiles: %w", err)
	}
	own, err := os.Create(name("lab-cpu"))
	if err != nil {
		return nil, fmt.Errorf("open the profile: %w", err)
	}
	if err := pprof.StartCPUProfile(own); err != nil {
		return nil, fmt.Errorf("profile the simulator: %w", err)
	}
	server, err := rest.HTTPClientFor(b.lab.ControlPlane.Config())
	if err != nil {
		return nil, fmt.Errorf("make a client for the API server's profile: %w", err)
	}
	operator := "http://" + b.operator.pprof
	taken := make(chan error, 2)
	cpu := fmt.Sprintf("/debug/pprof/profile?seconds=%d", profileSeconds)
	go func() { taken <- fetch(ctx, http.DefaultClient, operator+cpu, name("operator-cpu")) }()
	go func() { taken <- fetch(ctx, server, b.lab.ControlPlane.Config().Host+cpu, name("apiserver-cpu")) }()
	return func() error {
		pprof.StopCPUProfile()
		heap := fetch(ctx, http.DefaultClient, operator+"/debug/pprof/heap?gc=1", name("operator-heap"))
		return errors.Join(own.Close(), heap, <-taken, <-taken)
	}, nil
}

// fetch gets a profile into a file.
func fetch(ctx context.Context, client *http.Client, url, file string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*profileSeconds*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("fetch a profile: %w", err)
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("fetch a profile: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("fetch a profile: %s: %s", answer.Status, content)
	}
	return os.WriteFile(file, content, 0o600)
}
