package auth

import (
	"context"
	"fmt"
)

// reencryptBatch is how many people are looked at by one query.
const reencryptBatch = 500

// Reencrypt brings second-factor secrets that an earlier key encrypted under the present one, so that the earlier key can
// be dropped from the app's secret. It returns how many it brought; none where there is no earlier key.
func (a *Authenticator) Reencrypt(ctx context.Context) (int, error) {
	held := a.keys.held.Load()
	if len(held.ciphers) < 2 {
		return 0, nil
	}
	brought := 0
	for after := int64(0); ; {
		var batch []struct {
			ID         int64  `bun:"id"`
			TOTPSecret []byte `bun:"totp_secret"`
		}
		err := a.db.NewRaw("SELECT id, totp_secret FROM users WHERE id > ? AND totp_secret IS NOT NULL ORDER BY id LIMIT ?",
			after, reencryptBatch).Scan(ctx, &batch)
		if err != nil {
			return brought, fmt.Errorf("look for second-factor secrets of an earlier key: %w", err)
		}
		for _, u := range batch {
			after = u.ID
			plain, at := held.open(u.ID, u.TOTPSecret)
			if at <= 0 {
				continue // of the present key, or of none that is known: that one tells its owner
			}
			// Only if it is still the same: its owner may have set up another device meanwhile.
			if _, err := a.db.NewRaw("UPDATE users SET totp_secret = ? WHERE id = ? AND totp_secret = ?",
				a.keys.seal(u.ID, plain), u.ID, u.TOTPSecret).Exec(ctx); err != nil {
				return brought, fmt.Errorf("encrypt the second factor of user %d anew: %w", u.ID, err)
			}
			brought++
		}
		if len(batch) < reencryptBatch {
			return brought, nil
		}
	}
}
