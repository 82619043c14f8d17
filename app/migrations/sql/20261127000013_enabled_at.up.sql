-- When access was last given back: whoever an administrator has let in again is not dormant at once.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'users' AND column_name = 'enabled_at');
--bun:split
SET @step = IF(@missing, 'ALTER TABLE users ADD COLUMN enabled_at DATETIME(6) NULL', 'DO 0');
--bun:split
PREPARE step FROM @step;
--bun:split
EXECUTE step;
--bun:split
DEALLOCATE PREPARE step;
