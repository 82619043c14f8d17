package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gofiber/fiber/v2"

	"usermanagement.dev/stack/app/store"
)

//go:embed openapi.json
var openAPIDocument []byte

var (
	errIdempotency = errors.New("the Idempotency-Key was used with another request")
	errInProgress  = errors.New("the request with this Idempotency-Key is still under way")
)

// keptHeaders are the headers of an answer that a repeated request gets again.
var keptHeaders = []string{fiber.HeaderLocation, fiber.HeaderETag, fiber.HeaderContentType}

// idempotent runs a creation at most once for an Idempotency-Key of this person, on all hosts. A repeated request gets
// the first one's answer. Keys are kept for a day. Failures are not kept: the client may put the body right and try again.
func (s *Server) idempotent(c *fiber.Ctx, run func() error) error {
	key := c.Get("Idempotency-Key")
	if key == "" {
		return run()
	}
	if len(key) > 255 {
		return errBadRequest
	}
	user, k := current(c).user.ID, sha256.Sum256([]byte(key))
	fingerprint := sha256.Sum256(append([]byte(c.Method()+" "+c.Path()+"\n"), c.Body()...))
	if err := s.forgetAbandoned(c, user, k[:]); err != nil {
		return err
	}
	_, err := s.db.NewRaw("INSERT INTO idempotency_keys (user_id, k, fingerprint, status, headers, body, created_at) VALUES (?, ?, ?, 0, '', "+
		"'', UTC_TIMESTAMP(6))",
		user, k[:], fingerprint[:]).
		Exec(c.UserContext())
	if _, dup := store.IsDuplicate(err); dup {
		return s.replay(c, user, k[:], fingerprint[:])
	}
	if err != nil {
		return fmt.Errorf("note the Idempotency-Key: %w", err)
	}
	if err := run(); err != nil {
		ctx := context.WithoutCancel(c.UserContext()) // the request may have failed because its time was up
		_, forget := s.db.NewRaw("DELETE FROM idempotency_keys WHERE user_id = ? AND k = ?", user, k[:]).Exec(ctx)
		return errors.Join(err, forget)
	}
	return s.keepAnswer(c, user, k[:])
}

// forgetAbandoned drops the note of a first request that never ended, because its host died: after the time that any
// request has, the client may try again.
func (s *Server) forgetAbandoned(c *fiber.Ctx, user int64, k []byte) error {
	_, err := s.db.NewRaw("DELETE FROM idempotency_keys WHERE user_id = ? AND k = ? AND status = 0 AND created_at < UTC_TIMESTAMP(6) - "+
		"INTERVAL ? SECOND",
		user, k, int64(2*requestTimeout.Seconds())).Exec(c.UserContext())
	if err != nil {
		return fmt.Errorf("look for an abandoned request: %w", err)
	}
	return nil
}

func (s *Server) keepAnswer(c *fiber.Ctx, user int64, k []byte) error {
	headers := map[string]string{}
	for _, name := range keptHeaders {
		headers[name] = string(c.Response().Header.Peek(name))
	}
	text, err := json.Marshal(headers)
	if err != nil {
		return fmt.Errorf("keep the answer: %w", err)
	}
	_, err = s.db.NewRaw("UPDATE idempotency_keys SET status = ?, headers = ?, body = ? WHERE user_id = ? AND k = ?",
		c.Response().StatusCode(), string(text), c.Response().Body(), user, k).Exec(c.UserContext())
	if err != nil {
		return fmt.Errorf("keep the answer: %w", err)
	}
	return nil
}

func (s *Server) replay(c *fiber.Ctx, user int64, k, fingerprint []byte) error {
	var status int
	var headers string
	var body, first []byte
	err := s.db.NewRaw("SELECT status, headers, body, fingerprint FROM idempotency_keys WHERE user_id = ? AND k = ?", user, k).
		Scan(c.UserContext(), &status, &headers, &body, &first)
	if err != nil {
		return fmt.Errorf("%w: %w", errInProgress, err)
	}
	if !bytes.Equal(first, fingerprint) {
		return errIdempotency
	}
	if status == 0 {
		return errInProgress
	}
	kept := map[string]string{}
	if err := json.Unmarshal([]byte(headers), &kept); err != nil {
		return fmt.Errorf("read the kept answer: %w", err)
	}
	for name, value := range kept {
		if value != "" {
			c.Set(name, value)
		}
	}
	c.Set("Idempotent-Replayed", "true")
	return c.Status(status).Send(body)
}
