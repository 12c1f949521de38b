-- What happened here and is told to others. A row is written in the transaction of what it tells, and kept after it was
-- told, so that all of it can be told again.
create table outbox (
  -- For fairness only. Nobody reads from a position on: transactions commit in another order than they take numbers.
  position bigint generated always as identity primary key,
  event_id uuid not null,
  -- The full name of the message.
  type text not null,
  aggregate_id uuid not null,
  version bigint not null check (version > 0),
  message bytea not null,
  -- Since when it waits to be told, for the first time or again.
  queued_at timestamptz not null default now(),
  -- Until then it is left alone: somebody is telling it, or has just failed to.
  next_attempt_at timestamptz not null default now(),
  attempts integer not null default 0,
  published_at timestamptz,
  -- Each version has one event, and what is told before a version is found by it.
  constraint outbox_once unique (aggregate_id, type, version)
);

create index outbox_unpublished on outbox (position) where published_at is null;
create index outbox_published on outbox (published_at) where published_at is not null;

create function tell_outbox() returns trigger language plpgsql as $$
begin
  perform pg_notify('outbox', '');
  return null;
end
$$;

create trigger outbox_filled after insert on outbox for each statement execute function tell_outbox();

-- For constraint triggers of the tables whose changes are told, deferred to the end of the transaction: whatever code
-- makes a version has written its event, or changes nothing.
create function check_event() returns trigger language plpgsql as $$
begin
  if not exists (
    select from outbox where aggregate_id = new.id and type = tg_argv[0] and version = new.version
  ) then
    raise exception 'version % of % has no event', new.version, new.id using errcode = 'check_violation';
  end if;
  return null;
end
$$;
