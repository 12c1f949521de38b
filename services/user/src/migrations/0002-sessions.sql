-- One row a log-in, for as long as it can be refreshed. Of refresh tokens only hashes are kept: the present one, and the
-- one before it, which still answers a retry for some seconds. Their successors are derived from the token itself
-- and derivation_key, so that neither this table nor a token alone yields the next one.
create table sessions (
  id uuid primary key,
  user_id uuid not null references users (id),
  derivation_key bytea not null,
  token_hash bytea not null,
  previous_token_hash bytea,
  created_at timestamptz not null,
  rotated_at timestamptz not null,
  expires_at timestamptz not null
);

create index sessions_by_user on sessions (user_id, id);
create index sessions_by_expiry on sessions (expires_at);
