package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// process is a server under load.
type process struct {
	name, url string
	cmd       *exec.Cmd
	coldStart time.Duration
}

func start(ctx context.Context, name, url string, cmd *exec.Cmd, environment map[string]string) (*process, error) {
	cmd.Env = os.Environ()
	for key, value := range environment {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	cmd.Stderr = os.Stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, url: url, cmd: cmd}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := request(ctx, http.MethodGet, url+"/health", nil, nil)
		if err != nil {
			return nil, err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				p.coldStart = time.Since(began)
				return p, nil
			}
		}
		select {
		case <-ctx.Done():
			p.stop()
			return nil, fmt.Errorf("%s did not become healthy", name)
		case <-tick.C:
		}
	}
}

// stopPatience is how long a process may take to end by itself.
const stopPatience = 15 * time.Second

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	kill := time.AfterFunc(stopPatience, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	_ = p.cmd.Wait()
}

// rss is the memory that the process holds, in MiB.
func (p *process) rss() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kib / 1024
}

// ticksPerSecond is the unit of /proc/pid/stat on Linux.
const ticksPerSecond = 100

// cpu is the processor time used so far.
func (p *process) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticksPerSecond
}

type result struct {
	rate, p50, p99, cpu float64
	errors              int64
}

func request(ctx context.Context, method, url string, body io.Reader, headers map[string]string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	return req, nil
}

// load sends requests over a number of connections, each as soon as the one before is answered.
func load(ctx context.Context, p *process, duration time.Duration, clients int, next func(n int) (*http.Request, error)) result {
	client := &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: clients, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	var count, failed atomic.Int64
	times := make([][]time.Duration, clients)
	began, cpu := time.Now(), p.cpu()
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for ctx.Err() == nil && time.Since(began) < duration {
				sent := time.Now()
				if err := send(client, next, int(count.Add(1))); err != nil {
					failed.Add(1)
				}
				times[i] = append(times[i], time.Since(sent))
			}
		})
	}
	wg.Wait()
	took, used := time.Since(began), p.cpu()-cpu
	all := slices.Concat(times...)
	slices.Sort(all)
	at := func(share float64) float64 { return float64(all[int(share*float64(len(all)-1))].Microseconds()) / 1000 }
	return result{
		rate: float64(len(all)) / took.Seconds(), p50: at(0.5), p99: at(0.99), errors: failed.Load(),
		cpu: float64(used.Microseconds()) / float64(len(all)),
	}
}

func send(client *http.Client, next func(n int) (*http.Request, error), n int) error {
	req, err := next(n)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("answer %d", res.StatusCode)
	}
	return nil
}
