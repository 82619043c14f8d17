package acksim

import (
	"errors"
	"time"

	"usermanagement.dev/stack/lab/cloud"
)

var (
	// errNotFound says that AWS has no such thing.
	errNotFound = errors.New("resource not found")
	// errTerminal ends a pass whose error stands in the Terminal condition; nothing is tried again.
	errTerminal = errors.New("resource is in terminal condition")
	// errAdoptedGone says that an adopted thing is no longer there; ACK does not make it again.
	errAdoptedGone = errors.New("adopted resource not found")
	// errReadOnlyGone says that a read-only object names nothing.
	errReadOnlyGone = errors.New("read-only resource not found")
	errOutOfSync    = errors.New("temporary out of sync")
)

// requeueError ends a pass that is to be continued after a while.
type requeueError struct {
	err   error
	after time.Duration
}

func (r *requeueError) Error() string {
	if r.err == nil {
		return ""
	}
	return r.err.Error()
}

func (r *requeueError) Unwrap() error { return r.err }

func waitFor(after time.Duration, message string) error {
	return &requeueError{err: errors.New(message), after: after}
}

// terminalError is an error that the controller itself declares terminal.
type terminalError struct{ err error }

func (t *terminalError) Error() string { return t.err.Error() }
func (t *terminalError) Unwrap() error { return t.err }

func isTerminalOutcome(err error) bool { return errors.Is(err, errTerminal) }

// isTerminal reports whether an error is one that ACK does not retry for this kind.
func (k *kind) isTerminal(err error) bool {
	var own *terminalError
	return errors.As(err, &own) || cloud.IsCode(err, k.terminal...)
}

// shortText is the error as ACK shows it in a condition: of an AWS error only the part that AWS wrote.
func shortText(err error) string {
	if api, ok := errors.AsType[*cloud.APIError](err); ok {
		return api.Short()
	}
	return err.Error()
}

func isAWSError(err error) bool {
	var api *cloud.APIError
	return errors.As(err, &api)
}
