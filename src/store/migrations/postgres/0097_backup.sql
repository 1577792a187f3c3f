-- When the newest backup was begun by `bantin backup`; null if there is none.
ALTER TABLE log ADD COLUMN backed_up_at BIGINT;
