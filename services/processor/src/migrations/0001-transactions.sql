-- The statement: what was asked, and what became of it. Rows are written once and never change.
create table transactions (
  id uuid primary key,
  -- The order of the statement.
  position bigint generated always as identity unique,
  -- The caller's: a repetition of a request finds the transaction of the first one by it.
  reference uuid not null unique,
  kind text not null check (kind in ('AUTHORIZE', 'CAPTURE', 'VOID', 'REFUND')),
  state text not null check (state in ('APPROVED', 'DECLINED')),
  authorization_id uuid references transactions (id),
  payment_method text,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint not null check (amount_minor > 0),
  decline_reason text not null,
  created_at timestamptz not null,
  check ((kind = 'AUTHORIZE') = (authorization_id is null)),
  check ((kind = 'AUTHORIZE') = (payment_method is not null)),
  check ((state = 'DECLINED') = (decline_reason <> '')),
  check (kind = 'AUTHORIZE' or state = 'APPROVED')
);

create index transactions_of_authorization on transactions (authorization_id);

-- How much of an approved authorization is reserved, taken and given back.
create table authorizations (
  id uuid primary key references transactions (id),
  state text not null check (state in ('RESERVED', 'CAPTURED', 'VOIDED')),
  currency text not null,
  amount_minor bigint not null check (amount_minor > 0),
  refunded_minor bigint not null default 0,
  check (refunded_minor between 0 and amount_minor),
  check (refunded_minor = 0 or state = 'CAPTURED')
);
