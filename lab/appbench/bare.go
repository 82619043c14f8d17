package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver that the app uses
)

// bareUser has the fields that the app's API gives.
type bareUser struct {
	ID        int64      `json:"id"`
	Username  string     `json:"username"`
	Email     string     `json:"email"`
	Role      string     `json:"role"`
	CreatedBy string     `json:"created_by"`
	Name      string     `json:"display_name"`
	Status    string     `json:"status"`
	MFA       bool       `json:"second_factor"`
	MustSet   bool       `json:"must_change_password"`
	LastLogin *time.Time `json:"last_login_at"`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
	Version   int64      `json:"version"`
}

// serveBare is what the app is compared with: the standard library, the same driver and pool, the same two queries, and
// nothing else of what the app does. It ends with the context.
func serveBare(ctx context.Context, address, dsn string) error {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		var one int
		if err := db.QueryRowContext(r.Context(), "SELECT 1").Scan(&one); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /api/users", func(w http.ResponseWriter, r *http.Request) {
		list, err := bareList(r, db)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(list)
	})
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", address, err)
	}
	return nil
}

func bareList(r *http.Request, db *sql.DB) ([]bareUser, error) {
	sum := sha256.Sum256([]byte(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")))
	var owner int64
	err := db.QueryRowContext(r.Context(), "SELECT u.id FROM api_tokens t JOIN users u ON u.id = t.user_id WHERE t.hash = ? AND t.revoked_at "+
		"IS NULL "+
		"AND t.expires_at > UTC_TIMESTAMP(6) AND u.status = 'active'", sum[:]).
		Scan(&owner)
	if err != nil {
		return nil, fmt.Errorf("look the token up: %w", err)
	}
	rows, err := db.QueryContext(
		r.Context(),
		"SELECT id, username, email, role, created_by, display_name, status, totp_enabled_at IS NOT NULL, must_change_password, "+
			"last_login_at, created_at, updated_at, version FROM users WHERE deleted_at IS NULL ORDER BY username_key, id LIMIT 20",
	)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []bareUser
	for rows.Next() {
		var u bareUser
		err := rows.Scan(
			&u.ID,
			&u.Username,
			&u.Email,
			&u.Role,
			&u.CreatedBy,
			&u.Name,
			&u.Status,
			&u.MFA,
			&u.MustSet,
			&u.LastLogin,
			&u.CreatedAt,
			&u.UpdatedAt,
			&u.Version,
		)
		if err != nil {
			return nil, fmt.Errorf("read a row: %w", err)
		}
		list = append(list, u)
	}
	return list, rows.Err()
}
