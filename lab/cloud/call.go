package cloud

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Op is an AWS API action, written as in IAM policies: "ec2:CreateVpc". A few ops that no API has name background work
// that takes time, for example "acm:Validate"; they appear in Latencies and Hold.
type Op string

func (o Op) sdkName() string {
	service, action, _ := strings.Cut(string(o), ":")
	names := map[string]string{
		"ec2": "EC2", "iam": "IAM", "rds": "RDS", "acm": "ACM", "elbv2": "Elastic Load Balancing v2",
		"route53": "Route 53", "secretsmanager": "Secrets Manager",
	}
	if name, ok := names[service]; ok {
		service = name
	}
	return service + ": " + action
}

// tx is one call or one background change, made under the cloud's lock.
type tx struct {
	cloud  *Cloud
	db     *database
	caller Caller
	now    time.Time
	events []Event
	late   *APIError // what the call's outcome shall fail with, if a fault says so
}

// call runs fn as one API call: it is counted, takes the call latency, may be faulted, and its events are sent.
func call[T any](ctx context.Context, c *Client, op Op, fn func(*tx) (T, error)) (T, error) {
	cloud := c.cloud
	var zero T
	if err := cloud.enter(ctx, op); err != nil {
		return zero, err
	}
	cloud.mu.Lock()
	t := cloud.begin(c.caller)
	verdict := cloud.faults.judge(op, c.caller)
	t.late = verdict.late
	result, err := zero, verdict.before
	if err == nil {
		result, err = fn(t)
	}
	if err == nil && verdict.after != nil {
		result, err = zero, verdict.after
	}
	err = withOp(err, op)
	cloud.calls.record(Call{Time: t.now, Op: op, Caller: c.caller, Err: err})
	cloud.mu.Unlock()
	cloud.events.send(t.events)
	return result, err
}

// do is call for actions that answer nothing.
func do(ctx context.Context, c *Client, op Op, fn func(*tx) error) error {
	_, err := call(ctx, c, op, func(t *tx) (struct{}, error) { return struct{}{}, fn(t) })
	return err
}

func withOp(err error, op Op) error {
	var apiErr *APIError
	if !errors.As(err, &apiErr) || apiErr.Op != "" {
		return err
	}
	filled := *apiErr
	filled.Op = op
	return &filled
}

// enter waits for the call latency and for blocked operations.
func (c *Cloud) enter(ctx context.Context, op Op) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("calling %s: %w", op, err)
	}
	c.mu.Lock()
	latency, blocked := c.latencies.Call, c.holds.blocked(op)
	c.mu.Unlock()
	if latency > 0 {
		done := make(chan struct{})
		c.clock.AfterFunc(latency, func() { close(done) })
		select {
		case <-done:
		case <-ctx.Done():
			return fmt.Errorf("calling %s: %w", op, ctx.Err())
		}
	}
	if blocked == nil {
		return nil
	}
	select {
	case <-blocked:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("calling %s: %w", op, ctx.Err())
	}
}

// begin opens a tx; the cloud's lock must be held.
func (c *Cloud) begin(caller Caller) *tx {
	return &tx{cloud: c, db: &c.db, caller: caller, now: c.clock.Now()}
}

// change makes a change that no API call asked for, such as a state that is reached in the background.
func (c *Cloud) change(fn func(*tx)) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	t := c.begin(Caller{})
	fn(t)
	c.mu.Unlock()
	c.events.send(t.events)
}

// settle runs fn when the outcome of op is due: at once, after op's latency, or when a hold on op is released.
func (t *tx) settle(op Op, fn func(*tx)) {
	cloud := t.cloud
	if cloud.holds.keep(op, fn) {
		return
	}
	delay := cloud.latencies.Settle[op]
	if delay <= 0 {
		fn(t)
		return
	}
	cloud.clock.AfterFunc(delay, func() {
		cloud.change(func(t *tx) {
			if !cloud.holds.keep(op, fn) {
				fn(t)
			}
		})
	})
}

// later runs fn after d, whatever the latencies say; not at all if d is zero.
func (t *tx) later(d time.Duration, fn func(*tx)) {
	if d <= 0 {
		return
	}
	cloud := t.cloud
	cloud.clock.AfterFunc(d, func() { cloud.change(fn) })
}

// meta is what every record made by this call starts with.
func (t *tx) meta(tags Tags) Meta {
	return Meta{Region: t.caller.Region, Owner: t.caller.Owner, Tags: tags.clone(), Created: t.now}
}

func (t *tx) emit(kind Kind, change Change, id string, meta Meta) {
	t.events = append(t.events, Event{Kind: kind, Change: change, ID: id, Region: meta.Region, Owner: meta.Owner})
}
