-- By what a sealed page of a channel's log loses an article: its later withdrawals and departures.
CREATE INDEX departure ON channel_revision (channel, article, number) WHERE kind IN ('left', 'withdrawn');
