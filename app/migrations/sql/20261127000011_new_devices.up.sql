-- contracts, safe from the first release on: it looks a device up by both, and enters only devices that nobody had before.
-- A browser that several people sign in from is known to each of them.
ALTER TABLE known_devices DROP PRIMARY KEY, ADD PRIMARY KEY (hash, user_id);
--bun:split
-- A sign-in from a browser that the account did not know. What there is to tell of it stands in sign_ins.
CREATE TABLE IF NOT EXISTS device_notices (
  sign_in_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  user_id BIGINT UNSIGNED NOT NULL,
  device BINARY(32) NOT NULL,
  at DATETIME(6) NOT NULL,
  dismissed_at DATETIME(6) NULL,
  KEY ix_device_notices_user (user_id, dismissed_at),
  KEY ix_device_notices_at (at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
