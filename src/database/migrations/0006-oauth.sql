-- Until when a fetched key set may be used without asking again, as the vendor's server said (RFC 9111 max-age).
-- `fetched_at` is the last success ('-infinity' before the first), `failed_at` the last attempt that has not succeeded.
alter table fetched_jwks add column fresh_until timestamptz;

-- The sweep of old failures reads by age, not by subject.
create index attempt_window on attempt (purpose, window_started_at);
