-- On what payments, books and the processor's statement disagree, or did.
create table findings (
  id uuid primary key,
  -- As in finding.ts.
  kind text not null constraint findings_kind check (
    kind in (
      'ANSWER_LOST', 'TRANSACTION_UNKNOWN', 'TRANSACTION_MISSING', 'OUTCOME_DIFFERS', 'FACTS_DIFFER', 'BOOKS_DIFFER',
      'UNANSWERED'
    )
  ),
  -- The processor's, of the movement of money: not of a step, since we may have none.
  reference uuid not null,
  payment_id uuid references payments (id),
  description text not null,
  action text not null check (action in ('REPORTED', 'SETTLED', 'ADOPTED')),
  created_at timestamptz not null,
  looked_at timestamptz not null,
  resolved_at timestamptz
);

create unique index findings_open on findings (reference, kind) where resolved_at is null;
create index findings_due on findings (looked_at) where resolved_at is null;

-- How far the statement was read: where its last page begins, which is read again as it grows.
create table statement_cursor (
  page_token text not null,
  only_row boolean primary key default true check (only_row)
);

insert into statement_cursor (page_token) values ('');

-- When a settled step was compared with the statement and the books.
alter table steps add column compared_at timestamptz;

-- What ended before there were books left nothing in them.
update steps set compared_at = now()
where state <> 'PENDING' and not exists (select from ledger_entries where step_id = steps.id);

create index steps_uncompared on steps (created_at) where compared_at is null and state <> 'PENDING';
create unique index payments_of_authorization on payments (authorization_id);
