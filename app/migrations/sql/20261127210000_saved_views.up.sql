-- query is the list's part of a URL, as the app writes it: filters, order and columns.
CREATE TABLE IF NOT EXISTS saved_views (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id BIGINT UNSIGNED NOT NULL,
  name VARCHAR(60) NOT NULL,
  name_key VARBINARY(512) NOT NULL,
  query VARCHAR(1024) NOT NULL,
  shared BOOLEAN NOT NULL,
  updated_at DATETIME(6) NOT NULL,
  UNIQUE KEY uq_view_name (user_id, name_key),
  KEY ix_view_shared (shared)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
