create table orders (
  id uuid primary key,
  user_id uuid not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  total_minor bigint not null check (total_minor > 0),
  refunded_minor bigint not null default 0 check (refunded_minor between 0 and total_minor),
  payment_method text not null,
  state text not null constraint orders_state check (
    state in (
      'PENDING', 'AUTHORIZED', 'CONFIRMED', 'FAILED', 'CANCELLING', 'CANCELLED', 'REFUNDING', 'REFUNDED'
    )
  ),
  version bigint not null default 1,
  -- Set before the first request for money leaves, and not before the user was found active: while it is null, no
  -- payment of this order exists or can come to exist by a request that is under way.
  payment_asked_at timestamptz,
  payment_id uuid,
  failure_reason text,
  failure_message text,
  created_at timestamptz not null,
  updated_at timestamptz not null,

  -- When the worker looks at it next; null where there is nothing to do.
  next_attempt_at timestamptz default now(),
  -- Failed attempts at the present step.
  attempts integer not null default 0,
  -- The claim under which a worker acts until the lease runs out. Another one may then claim the order, and the first
  -- can no longer change it.
  claimed_by uuid,
  lease_until timestamptz,

  check ((state = 'FAILED') = (failure_reason is not null)),
  check ((failure_reason is null) = (failure_message is null)),
  check (payment_id is null or payment_asked_at is not null),
  check (state not in ('AUTHORIZED', 'CONFIRMED', 'REFUNDING', 'REFUNDED') or payment_id is not null),
  check ((state = 'REFUNDED') = (refunded_minor = total_minor)),
  check ((claimed_by is null) = (lease_until is null))
);

create index orders_of_user on orders (user_id, id);
create index orders_in_state on orders (state, id);
create index orders_to_do on orders (id) where next_attempt_at is not null;

create table order_items (
  order_id uuid not null references orders on delete cascade,
  position integer not null,
  product_id uuid not null references products,
  sku text not null,
  name text not null,
  quantity integer not null check (quantity > 0),
  unit_price_minor bigint not null check (unit_price_minor > 0),
  primary key (order_id, position),
  unique (order_id, product_id)
);

-- Which state may follow which: the edges of ORDER_STATES in order-states.ts.
create table order_edges (
  from_state text not null,
  to_state text not null,
  primary key (from_state, to_state)
);

insert into order_edges (from_state, to_state) values
  ('PENDING', 'AUTHORIZED'),
  ('PENDING', 'CANCELLING'),
  ('PENDING', 'FAILED'),
  ('AUTHORIZED', 'CANCELLING'),
  ('AUTHORIZED', 'CONFIRMED'),
  ('AUTHORIZED', 'FAILED'),
  ('CONFIRMED', 'REFUNDING'),
  ('CANCELLING', 'CANCELLED'),
  ('CANCELLING', 'REFUNDING'),
  ('REFUNDING', 'REFUNDED');

create function check_order_change() returns trigger language plpgsql as $$
begin
  if new.state <> old.state
    and not exists (select from order_edges where from_state = old.state and to_state = new.state) then
    raise exception 'order % cannot go from % to %', old.id, old.state, new.state using errcode = 'check_violation';
  end if;
  if new.version <> old.version + 1 then
    raise exception 'order % changes without its next version', old.id using errcode = 'check_violation';
  end if;
  return new;
end
$$;

create trigger order_change before update on orders for each row
  when (
    (old.state, old.version, old.payment_id, old.refunded_minor, old.failure_reason)
    is distinct from (new.state, new.version, new.payment_id, new.refunded_minor, new.failure_reason)
  )
  execute function check_order_change();

-- Every committed change is told to whoever watches the order, whatever code made it.
create function tell_order_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('order_changed', new.id::text);
  return null;
end
$$;

create trigger order_changed after update on orders for each row
  when (old.version <> new.version)
  execute function tell_order_changed();

-- Workers are woken for what can be done at once. What waits for its time they find when they look.
create function tell_order_due() returns trigger language plpgsql as $$
begin
  perform pg_notify('order_due', '');
  return null;
end
$$;

create trigger order_due after insert or update on orders for each row
  when (new.next_attempt_at <= now() and new.claimed_by is null)
  execute function tell_order_due();
