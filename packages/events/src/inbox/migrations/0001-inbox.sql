-- The last version of everything that we were told of. Written in the transaction of what was done about it, so that a
-- version that is not above it has had its effect, or was overtaken.
create table inbox (
  type text not null,
  aggregate_id uuid not null,
  version bigint not null,
  event_id uuid not null,
  applied_at timestamptz not null default now(),
  primary key (type, aggregate_id)
);

-- Events whose effect failed: tried again until it succeeds or they are dead letters, which wait for people.
create table failed_events (
  -- Of bytes that are no event, a hash of them.
  event_id uuid primary key,
  type text not null,
  message bytea not null,
  attempts integer not null default 1,
  error text not null,
  failed_at timestamptz not null default now(),
  -- Null: a dead letter.
  next_attempt_at timestamptz
);

create index failed_events_due on failed_events (next_attempt_at) where next_attempt_at is not null;
create index failed_events_dead on failed_events (failed_at) where next_attempt_at is null;
