package server

import (
	"context"
	"errors"
	"time"

	"usermanagement.dev/stack/app/audit"
	"usermanagement.dev/stack/app/store"
)

// expired are the rows that nothing needs any more. Each host asks now and then; a lock lets one do it.
var expired = []string{
	"DELETE FROM sessions WHERE absolute_until < UTC_TIMESTAMP(6) OR last_seen_at + INTERVAL idle_seconds SECOND < UTC_TIMESTAMP(6) LIMIT " +
		"2000",
	"DELETE FROM rate_limits WHERE expires_at < UTC_TIMESTAMP(6) LIMIT 5000",
	"DELETE FROM idempotency_keys WHERE created_at < UTC_TIMESTAMP(6) - INTERVAL 1 DAY LIMIT 2000",
	"DELETE FROM bulk_operations WHERE created_at < UTC_TIMESTAMP(6) - INTERVAL 1 DAY LIMIT 500",
	"DELETE FROM imports WHERE created_at < UTC_TIMESTAMP(6) - INTERVAL 1 HOUR LIMIT 50",
	"DELETE FROM known_devices WHERE created_at < UTC_TIMESTAMP(6) - INTERVAL 1 YEAR LIMIT 2000",
	"DELETE FROM device_notices WHERE at < UTC_TIMESTAMP(6) - INTERVAL 400 DAY LIMIT 5000",
	"DELETE FROM sign_ins WHERE at < UTC_TIMESTAMP(6) - INTERVAL 400 DAY LIMIT 5000",
	"DELETE FROM links WHERE expires_at < UTC_TIMESTAMP(6) - INTERVAL 400 DAY LIMIT 2000",
}

// CleanUp removes expired rows every few minutes until the context ends.
func (s *Server) CleanUp(ctx context.Context) {
	tick := time.NewTicker(5 * time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.cleanUpOnce(ctx); err != nil && !errors.Is(err, store.ErrLockTaken) && ctx.Err() == nil {
				s.log.Warn("expired rows could not be removed; the next round tries again", "error", err.Error())
			}
		}
	}
}

func (s *Server) cleanUpOnce(ctx context.Context) error {
	return store.WithLock(ctx, s.db, "clean-up", 0, func(ctx context.Context) error {
		for _, statement := range expired {
			if _, err := s.db.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		if err := s.recordExpiries(ctx); err != nil {
			return err
		}
		if err := s.finishPurges(ctx); err != nil {
			return err
		}
		if err := s.reencrypt(ctx); err != nil {
			return err
		}
		return s.deactivateDormant(ctx)
	})
}

// deactivateDormant carries the policy out, a batch each time.
func (s *Server) deactivateDormant(ctx context.Context) error {
	if s.cfg.DormantAfter == 0 {
		return nil
	}
	names, err := s.users.DeactivateDormant(ctx, audit.System("dormant policy"), s.cfg.DormantAfter)
	if len(names) > 0 {
		s.log.Info("dormant accounts were deactivated", "accounts", len(names), "days", s.cfg.DormantAfter)
	}
	return err
}

// reencrypt ends the use of earlier encryption keys.
func (s *Server) reencrypt(ctx context.Context) error {
	n, err := s.auth.Reencrypt(ctx)
	if n > 0 {
		s.log.Info("second factors were encrypted anew; earlier keys are no longer needed once this is said no more", "accounts", n)
	}
	return err
}

// jobRounds bounds what one round of a job does; the next one goes on.
const jobRounds = 20

func (s *Server) finishPurges(ctx context.Context) error {
	for range jobRounds {
		n, err := s.users.FinishPurges(ctx)
		if n > 0 {
			s.log.Info("people whom an earlier release had removed were taken out of what it did not know of", "people", n)
		}
		if err != nil || n == 0 {
			return err
		}
	}
	return nil
}

func (s *Server) recordExpiries(ctx context.Context) error {
	for range jobRounds {
		n, err := s.users.RecordExpiries(ctx, audit.System("expiry"))
		if err != nil || n == 0 {
			return err
		}
	}
	return nil
}
