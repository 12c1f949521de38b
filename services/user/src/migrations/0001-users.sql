create table users (
  id uuid primary key,
  email text,
  -- One account an email, however it is written. The guard is here, so that no race of two sign-ups passes it.
  email_key text generated always as (lower(email collate "C")) stored unique,
  display_name text,
  -- A PHC string; its parameters may differ from row to row.
  password_hash text,
  role text not null check (role in ('USER', 'ADMIN')),
  state text not null check (state in ('ACTIVE', 'BLOCKED', 'DELETED')),
  version bigint not null check (version > 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- Deleted means that nothing personal is left, and nothing else means it.
  check ((state = 'DELETED') = (email is null)),
  check ((state = 'DELETED') = (display_name is null)),
  check ((state = 'DELETED') = (password_hash is null))
);

create index users_by_state on users (state, id);
