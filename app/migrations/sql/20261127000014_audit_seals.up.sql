-- The chain covers the personal parts of an entry by seals, so that they can be erased when somebody is removed for good.
-- Entries of before have no seals: the chain covers their texts, which therefore stay.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'audit_log' AND column_name = 'target_seal');
--bun:split
SET @step = IF(@missing, 'ALTER TABLE audit_log ADD COLUMN actor_salt VARBINARY(16) NULL, ADD COLUMN actor_seal VARBINARY(32) NULL, ADD COLUMN target_salt VARBINARY(16) NULL, ADD COLUMN target_seal VARBINARY(32) NULL', 'DO 0');
--bun:split
PREPARE step FROM @step;
--bun:split
EXECUTE step;
--bun:split
DEALLOCATE PREPARE step;
