package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// commandTimeout bounds one call of ip or nft. They are done in milliseconds; a machine that is very busy takes longer.
const commandTimeout = 30 * time.Second

// run runs a command with a text to read, and has what it says in the error.
func run(ctx context.Context, c command, input string) error {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c[0], c[1:]...) //nolint:gosec // programs by constant names, arguments from the model
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(c, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// applied is what of the network is there.
type applied struct {
	pieces    []piece
	firewalls map[string]string // by VPC
}

// become makes a network what is wanted. What cannot be made is left out, and tried again the next time; the error is the
// first, because the others follow from it.
func (a *applied) become(ctx context.Context, want []piece, firewalls map[string]string, l lab) error {
	remove, add := changes(a.pieces, want)
	var errs []error
	failed := map[string]bool{}
	for _, p := range remove {
		errs = append(errs, p.unmake(ctx))
	}
	for _, p := range add {
		if err := p.make(ctx); err != nil {
			errs = append(errs, err)
			failed[p.text()] = true
		}
	}
	a.pieces = nil
	for _, p := range want {
		if !failed[p.text()] {
			a.pieces = append(a.pieces, p)
		}
	}
	for vpc := range a.firewalls {
		if _, ok := firewalls[vpc]; !ok {
			delete(a.firewalls, vpc)
		}
	}
	for vpc, text := range firewalls {
		if a.firewalls[vpc] == text {
			continue
		}
		if err := run(ctx, command{"ip", "netns", "exec", l.of(vpc), "nft", "-f", "-"}, text); err != nil {
			errs = append(errs, fmt.Errorf("firewall of %s: %w", vpc, err))
			continue
		}
		a.firewalls[vpc] = text
	}
	return first(errs)
}

func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// make makes a piece whole or not at all.
func (p piece) make(ctx context.Context) error {
	for _, c := range p.add {
		if err := run(ctx, c, ""); err != nil {
			_ = p.unmake(ctx) // half of it is not there
			return fmt.Errorf("make %s: %w", p.what, err)
		}
	}
	return nil
}

func (p piece) unmake(ctx context.Context) error {
	var errs []error
	for _, c := range p.remove {
		if err := run(ctx, c, ""); err != nil {
			errs = append(errs, fmt.Errorf("remove %s: %w", p.what, err))
		}
	}
	return errors.Join(errs...)
}
