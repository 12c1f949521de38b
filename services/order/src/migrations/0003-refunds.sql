-- What admins asked to give back of an order. The id is the request id by which the payment service is asked, so that
-- whoever asks again, after whatever crash, asks for the same refund.
create table order_refunds (
  id uuid primary key,
  order_id uuid not null references orders on delete cascade,
  amount_minor bigint not null check (amount_minor > 0),
  state text not null check (state in ('PENDING', 'DONE')),
  created_at timestamptz not null
);

create index order_refunds_pending on order_refunds (order_id, id) where state = 'PENDING';

-- The sum of an order's pending refunds: set aside when they are asked for, so that all of them together, however many ask
-- at once, give back no more than was paid.
alter table orders add column refunding_minor bigint not null default 0;
alter table orders add constraint orders_refunding check (
  refunding_minor >= 0 and refunding_minor <= total_minor - refunded_minor
  and (refunding_minor = 0 or state in ('CONFIRMED', 'REFUNDING'))
);
