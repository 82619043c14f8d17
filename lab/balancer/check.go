package balancer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// leastInterval keeps shortened health check intervals from taking the machine's time.
const leastInterval = 20 * time.Millisecond

// Reasons of a target's state.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
const (
	reasonMismatch = "Target.ResponseCodeMismatch"
	reasonTimeout  = "Target.Timeout"
	reasonFailed   = "Target.FailedHealthChecks"
)

// checker finds out how a target is.
type checker struct {
	group  *group
	target *target
	// state is empty until the first verdict, then healthy or unhealthy.
	state     string
	successes int
	failures  int
}

// run checks until the context ends. A new target is checked at once.
func (c *checker) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		begun, state := time.Now(), c.group.state.Load()
		reason := c.ask(ctx, state)
		if ctx.Err() != nil {
			return
		}
		c.note(state, reason)
		interval := c.group.options.paced(time.Duration(state.health.IntervalSeconds)*time.Second, leastInterval)
		timer.Reset(max(interval-time.Since(begun), 0))
	}
}

// note counts an outcome; an empty reason is a success. One success is enough for a target that was never judged.
func (c *checker) note(state *groupState, reason string) {
	verdict := c.state
	if reason == "" {
		c.successes, c.failures = c.successes+1, 0
		if c.state == "" || c.successes >= state.health.HealthyThreshold {
			verdict = "healthy"
		}
	} else {
		c.successes, c.failures = 0, c.failures+1
		if c.failures >= state.health.UnhealthyThreshold {
			verdict = "unhealthy"
		}
	}
	if verdict == c.state {
		return
	}
	c.state = verdict
	c.target.healthy.Store(verdict == "healthy")
	c.group.options.Cloud.SetTargetHealth(state.arn, c.target.key.id, verdict, reason)
}

// ask makes one check and returns why it failed, or nothing.
func (c *checker) ask(ctx context.Context, state *groupState) (reason string) {
	health := state.health
	ctx, cancel := context.WithTimeout(ctx, time.Duration(health.TimeoutSeconds)*time.Second)
	defer cancel()
	port := c.target.key.port
	if number, err := strconv.Atoi(health.Port); err == nil {
		port = number
	}
	address, ok := c.group.options.Target(c.target.key.id, port)
	if !ok {
		return reasonFailed
	}
	dial := func(ctx context.Context, _, address string) (net.Conn, error) {
		return c.group.options.Dial(ctx, c.target.key.id, address)
	}
	status, err := get(ctx, strings.ToLower(health.Protocol)+"://"+address+health.Path, dial)
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return reasonTimeout
	case err != nil:
		return reasonFailed
	case !matches(health.Matcher, status):
		return reasonMismatch
	default:
		return ""
	}
}

// get is the status of an answer that has come whole. A check is made on a connection of its own, and follows no redirect.
func get(ctx context.Context, url string, dial func(ctx context.Context, network, address string) (net.Conn, error)) (int, error) {
	checks := &http.Client{
		Transport:     &http.Transport{DialContext: dial, DisableKeepAlives: true, TLSClientConfig: unverified()},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("make a health check: %w", err)
	}
	r.Header.Set("User-Agent", "ELB-HealthChecker/2.0")
	response, err := checks.Do(r)
	if err != nil {
		return 0, fmt.Errorf("check health: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20)); err != nil {
		return 0, fmt.Errorf("check health: %w", err)
	}
	return response.StatusCode, nil
}

// matches reports whether a matcher such as "200", "200,202" or "200-299" has a status.
func matches(matcher string, status int) bool {
	for part := range strings.SplitSeq(matcher, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		from, errFrom := strconv.Atoi(low)
		to, errTo := strconv.Atoi(high)
		if errFrom == nil && errTo == nil && status >= from && status <= to {
			return true
		}
	}
	return false
}
