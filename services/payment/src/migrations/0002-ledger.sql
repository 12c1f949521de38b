-- The books of all payments: double entry, append-only, in each currency for itself. Which movement posts what is told by
-- MOVEMENTS in ledger.ts. The guards are here, so that no code can get round them:
--   * the postings of an entry sum to zero, and all of them come in the transaction of their entry;
--   * no entry, posting or link is ever changed or taken away;
--   * every commit leaves the books of a payment where the payment says that its money is;
--   * no balance passes zero, and each balance row and each link is written by the sealing of an entry alone.

create table ledger_entries (
  id uuid primary key,
  payment_id uuid not null references payments (id),
  -- What was asked of the processor: it has the same movement of money under this reference.
  step_id uuid not null references steps (id),
  -- As in ledger.ts.
  movement text not null constraint ledger_entries_movement check (
    movement in ('HOLD', 'RELEASE', 'CAPTURE', 'RESERVE_REFUND', 'REFUND', 'CANCEL_REFUND')
  ),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  created_at timestamptz not null,
  transaction_id xid8 not null default pg_current_xact_id(),
  constraint ledger_entries_once unique (step_id, movement)
);

create index ledger_entries_of_payment on ledger_entries (payment_id, id);
-- Money is reserved once, and the reservation ends once; so does that of each refund.
create unique index ledger_hold_once on ledger_entries (payment_id) where movement = 'HOLD';
create unique index ledger_hold_ends_once on ledger_entries (payment_id) where movement in ('RELEASE', 'CAPTURE');
create unique index ledger_refund_ends_once on ledger_entries (step_id) where movement in ('REFUND', 'CANCEL_REFUND');

create table ledger_postings (
  -- A foreign key would need the right to change entries, which nobody has: check_ledger_posting is in its place.
  entry_id uuid not null,
  -- As in ledger.ts.
  account text not null constraint ledger_postings_account check (
    account in ('CUSTOMER_HOLDS', 'MERCHANT_RECEIVABLE', 'REFUNDS', 'PROCESSOR_CLEARING')
  ),
  -- A debit is positive, a credit negative.
  amount_minor bigint not null check (amount_minor <> 0),
  primary key (entry_id, account)
);

-- One for each account and currency: what folding the postings gives.
create table ledger_balances (
  currency text not null,
  account text not null,
  debit_minor numeric(38) not null,
  credit_minor numeric(38) not null,
  primary key (currency, account),
  -- What is reserved, taken or set aside is never less than nothing.
  constraint ledger_balances_sign check (
    case account when 'PROCESSOR_CLEARING' then debit_minor <= credit_minor else debit_minor >= credit_minor end
  )
);

-- The entries of a currency in the order of their commits. Each link's hash covers its entry and the hash before, so that
-- whoever kept the newest one can tell whether anything before it was changed.
create table ledger_chain (
  currency text not null,
  position bigint not null,
  entry_id uuid not null unique,
  hash bytea not null,
  primary key (currency, position)
);

create table ledger_heads (
  currency text primary key,
  position bigint not null,
  hash bytea not null
);

create function check_ledger_posting() returns trigger language plpgsql as $$
begin
  if not exists (
    select from ledger_entries where id = new.entry_id and transaction_id = pg_current_xact_id()
  ) then
    raise exception 'a posting came without its entry %', new.entry_id using errcode = 'foreign_key_violation';
  end if;
  if (select sum(amount_minor) from ledger_postings where entry_id = new.entry_id) <> 0 then
    raise exception 'the postings of entry % do not sum to zero', new.entry_id using errcode = 'check_violation';
  end if;
  return null;
end
$$;

create constraint trigger ledger_zero_sum after insert on ledger_postings deferrable initially deferred
  for each row execute function check_ledger_posting();

-- Whatever moved the payment, and whatever was posted: at the end of the transaction they tell the same.
create function check_payment_books(payment uuid) returns void language plpgsql as $$
declare
  expected record;
  booked record;
begin
  select
    case
      when state in ('AUTHORIZED', 'CAPTURING') then amount_minor
      when state = 'VOIDING' and authorization_id is not null then amount_minor
      else 0
    end as holds,
    captured_minor - refunded_minor - refunding_minor as receivable,
    refunding_minor as refunds
  into expected from payments where id = payment;
  select
    coalesce(sum(amount_minor) filter (where account = 'CUSTOMER_HOLDS'), 0) as holds,
    coalesce(sum(amount_minor) filter (where account = 'MERCHANT_RECEIVABLE'), 0) as receivable,
    coalesce(sum(amount_minor) filter (where account = 'REFUNDS'), 0) as refunds
  into booked
  from ledger_entries join ledger_postings on entry_id = id
  where payment_id = payment;
  if (expected.holds, expected.receivable, expected.refunds) <> (booked.holds, booked.receivable, booked.refunds) then
    raise exception 'the books of payment % do not tell where its money is', payment using errcode = 'check_violation';
  end if;
end
$$;

create function check_changed_payment() returns trigger language plpgsql as $$
begin
  perform check_payment_books(new.id);
  return null;
end
$$;

-- At the end of the transaction, so that the head of the chain, which all who post in a currency need, is held for the
-- commit alone. Every balance is locked after its head: nobody waits in a circle.
create function seal_ledger_entry() returns trigger language plpgsql as $$
declare
  posted record;
  head ledger_heads;
begin
  select count(*) as postings, sum(amount_minor) as total,
    string_agg(account || '=' || amount_minor, ',' order by account collate "C") as text
  into posted from ledger_postings where entry_id = new.id;
  if posted.postings < 2 or posted.total <> 0 then
    raise exception 'the postings of entry % do not sum to zero', new.id using errcode = 'check_violation';
  end if;

  insert into ledger_heads values (new.currency, 0, '') on conflict do nothing;
  update ledger_heads set
    position = position + 1,
    hash = sha256(hash || convert_to(concat_ws('|', new.id, new.payment_id, new.step_id, new.movement, new.currency,
      to_char(new.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), posted.text), 'UTF8'))
  where currency = new.currency
  returning * into head;
  insert into ledger_chain values (head.currency, head.position, new.id, head.hash);

  insert into ledger_balances select new.currency, account, 0, 0 from ledger_postings where entry_id = new.id
    on conflict do nothing;
  update ledger_balances set
    debit_minor = debit_minor + greatest(amount_minor, 0),
    credit_minor = credit_minor - least(amount_minor, 0)::numeric
  from ledger_postings
  where entry_id = new.id and currency = new.currency and ledger_balances.account = ledger_postings.account;

  perform check_payment_books(new.payment_id);
  return null;
end
$$;

create constraint trigger ledger_sealed after insert on ledger_entries deferrable initially deferred
  for each row execute function seal_ledger_entry();

create function refuse_ledger_change() returns trigger language plpgsql as $$
begin
  raise exception '% of % is refused: the ledger is append-only', tg_op, tg_table_name
    using errcode = 'restrict_violation';
end
$$;

create trigger append_only before update or delete or truncate on ledger_entries
  execute function refuse_ledger_change();
create trigger append_only before update or delete or truncate on ledger_postings
  execute function refuse_ledger_change();
create trigger append_only before update or delete or truncate on ledger_chain
  execute function refuse_ledger_change();

-- Not by hand: by the trigger that seals.
create trigger sealed_only before insert on ledger_chain
  when (pg_trigger_depth() = 0) execute function refuse_ledger_change();
create trigger sealed_only before insert or update or delete or truncate on ledger_heads
  when (pg_trigger_depth() = 0) execute function refuse_ledger_change();
create trigger sealed_only before insert or update or delete or truncate on ledger_balances
  when (pg_trigger_depth() = 0) execute function refuse_ledger_change();

-- A second lock on the same door: the service's own role has no right to try.
revoke update, delete, truncate on ledger_entries, ledger_postings, ledger_chain from current_user;

-- What was paid before there were books. Reservations that ended without money taken left nothing to book.
with movements as (
  select payments.id as payment_id, steps.id as step_id, movement, steps.currency, steps.amount_minor,
    steps.created_at + place * interval '1 millisecond' as created_at, debit, credit
  from payments
  join steps on steps.payment_id = payments.id
  join (values
    (1, 'AUTHORIZE', 'HOLD', 'CUSTOMER_HOLDS', 'PROCESSOR_CLEARING'),
    (2, 'CAPTURE', 'CAPTURE', 'MERCHANT_RECEIVABLE', 'CUSTOMER_HOLDS'),
    (3, 'REFUND', 'RESERVE_REFUND', 'REFUNDS', 'MERCHANT_RECEIVABLE'),
    (4, 'REFUND', 'REFUND', 'PROCESSOR_CLEARING', 'REFUNDS')
  ) as rules (place, kind, movement, debit, credit) using (kind)
  where case
    when movement = 'HOLD' then captured_minor > 0
      or payments.state in ('AUTHORIZED', 'CAPTURING')
      or payments.state = 'VOIDING' and authorization_id is not null
    when movement = 'RESERVE_REFUND' then steps.state <> 'REFUSED'
    else steps.state = 'DONE'
  end
), entries as (
  insert into ledger_entries (id, payment_id, step_id, movement, currency, created_at)
  select
    -- A UUIDv7 of the time when it happened.
    encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
      placing substring(int8send(floor(extract(epoch from created_at) * 1000)::bigint) from 3) from 1 for 6),
      52, 1), 53, 1), 'hex')::uuid,
    payment_id, step_id, movement, currency, date_trunc('milliseconds', created_at)
  from movements order by created_at
  returning id, step_id, movement
)
insert into ledger_postings
select id, account, sign * amount_minor
from entries
join movements using (step_id, movement)
cross join lateral (values (debit, 1), (credit, -1)) as posting (account, sign);

-- Last, so that it holds from here on.
create constraint trigger payment_books after insert or update on payments deferrable initially deferred
  for each row execute function check_changed_payment();
