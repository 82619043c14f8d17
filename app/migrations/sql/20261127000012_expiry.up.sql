-- ADD COLUMN IF NOT EXISTS is MariaDB's alone, so each column is asked for first: a step may be run twice.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'users' AND column_name = 'expires_at');
--bun:split
SET @step = IF(@missing, 'ALTER TABLE users ADD COLUMN expires_at DATETIME(6) NULL, ADD KEY ix_users_expires (expires_at, id)', 'DO 0');
--bun:split
PREPARE step FROM @step;
--bun:split
EXECUTE step;
--bun:split
DEALLOCATE PREPARE step;
--bun:split
-- Up to when the end of accounts has been recorded.
INSERT IGNORE INTO settings (name, value) VALUES ('expiry_recorded_until', DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%d %H:%i:%s.%f'));
