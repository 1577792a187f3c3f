-- Channels over time. `founded_as` is the name under which the channel's feeds are known for ever: its first
-- one; empty where that is `slug`. `composition` names the members by which the channel's log was read off the
-- whole, separated by spaces; empty for a channel that has none.
ALTER TABLE channel ADD COLUMN founded_as TEXT NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN composition TEXT NOT NULL DEFAULT '';
