-- What is still to be told without being asked: written with its transaction, gone once it is acknowledged.
create table callbacks (
  id uuid primary key,
  transaction_id uuid not null references transactions (id),
  attempts integer not null default 0,
  -- When to try, or to try again.
  due_at timestamptz not null
);

create index callbacks_due on callbacks (due_at);
