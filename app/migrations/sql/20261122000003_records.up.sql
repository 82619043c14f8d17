-- changes is text, not JSON: MySQL reorders the keys of a JSON value, and the chain's hash is over the bytes.
CREATE TABLE IF NOT EXISTS audit_log (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  at DATETIME(6) NOT NULL,
  actor_id BIGINT UNSIGNED NOT NULL,
  actor VARCHAR(64) NOT NULL,
  action VARCHAR(48) NOT NULL,
  target_id BIGINT UNSIGNED NOT NULL,
  target VARCHAR(64) NOT NULL,
  changes MEDIUMTEXT NOT NULL,
  request_id VARCHAR(64) NOT NULL,
  ip VARCHAR(45) NOT NULL,
  prev_hash BINARY(32) NOT NULL,
  hash BINARY(32) NOT NULL,
  KEY ix_audit_target (target_id, id),
  KEY ix_audit_actor (actor_id, id),
  KEY ix_audit_at (at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
--bun:split
CREATE TABLE IF NOT EXISTS audit_head (
  id TINYINT NOT NULL PRIMARY KEY,
  last_id BIGINT UNSIGNED NOT NULL,
  hash BINARY(32) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
--bun:split
INSERT IGNORE INTO audit_head (id, last_id, hash) VALUES (1, 0, REPEAT(CHAR(0), 32));
--bun:split
CREATE TABLE IF NOT EXISTS row_locks (
  name VARCHAR(32) NOT NULL PRIMARY KEY
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
--bun:split
INSERT IGNORE INTO row_locks (name) VALUES ('administrators');
--bun:split
CREATE TABLE IF NOT EXISTS settings (
  name VARCHAR(64) NOT NULL PRIMARY KEY,
  value VARCHAR(1024) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
--bun:split
CREATE TABLE IF NOT EXISTS idempotency_keys (
  user_id BIGINT UNSIGNED NOT NULL,
  k BINARY(32) NOT NULL,
  fingerprint BINARY(32) NOT NULL,
  status INT NOT NULL,
  headers TEXT NOT NULL,
  body MEDIUMBLOB NOT NULL,
  created_at DATETIME(6) NOT NULL,
  PRIMARY KEY (user_id, k),
  KEY ix_idempotency_created (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
--bun:split
CREATE TABLE IF NOT EXISTS bulk_operations (
  handle VARCHAR(32) NOT NULL PRIMARY KEY,
  actor_id BIGINT UNSIGNED NOT NULL,
  action VARCHAR(32) NOT NULL,
  rows_changed INT NOT NULL,
  before_rows MEDIUMBLOB NOT NULL,
  created_at DATETIME(6) NOT NULL,
  undo_until DATETIME(6) NOT NULL,
  undone_at DATETIME(6) NULL,
  KEY ix_bulk_created (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
--bun:split
CREATE TABLE IF NOT EXISTS imports (
  handle VARCHAR(32) NOT NULL PRIMARY KEY,
  actor_id BIGINT UNSIGNED NOT NULL,
  body MEDIUMBLOB NOT NULL,
  created_at DATETIME(6) NOT NULL,
  KEY ix_imports_created (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
