package users

import (
	"context"
	"fmt"

	"usermanagement.dev/stack/app/audit"
)

// KeepImport stores a file between its dry run and the decision to import it; any host can go on with it.
func (s *Service) KeepImport(ctx context.Context, actor audit.Actor, data []byte) (string, error) {
	handle := newHandle()
	_, err := s.db.NewRaw("INSERT INTO imports (handle, actor_id, body, created_at) VALUES (?, ?, ?, UTC_TIMESTAMP(6))", handle, actor.ID,
		data).
		Exec(ctx)
	if err != nil {
		return "", fmt.Errorf("keep the import: %w", err)
	}
	return handle, nil
}

// KeptImport is a file that the same person stored within the last hour.
func (s *Service) KeptImport(ctx context.Context, actor audit.Actor, handle string) ([]byte, error) {
	var data []byte
	err := s.db.NewRaw("SELECT body FROM imports WHERE handle = ? AND actor_id = ? AND created_at > UTC_TIMESTAMP(6) - INTERVAL 1 HOUR",
		handle, actor.ID).
		Scan(ctx, &data)
	if err != nil {
		return nil, notFoundAs(err, ErrGone)
	}
	return data, nil
}

// DropImport forgets a stored file.
func (s *Service) DropImport(ctx context.Context, handle string) error {
	if _, err := s.db.NewRaw("DELETE FROM imports WHERE handle = ?", handle).Exec(ctx); err != nil {
		return fmt.Errorf("forget the import: %w", err)
	}
	return nil
}
