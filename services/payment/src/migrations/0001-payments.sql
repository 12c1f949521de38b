create table payments (
  id uuid primary key,
  order_id uuid not null,
  user_id uuid not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint not null check (amount_minor > 0),
  captured_minor bigint not null default 0,
  refunded_minor bigint not null default 0,
  -- What refunds under way will give back.
  refunding_minor bigint not null default 0,
  state text not null,
  decline_reason text not null default '',
  -- The processor's token; gone once the processor has answered.
  payment_method text,
  authorization_id uuid,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  version bigint not null,
  -- As in payment-states.ts.
  constraint payments_state check (
    state in (
      'AUTHORIZING', 'AUTHORIZED', 'DECLINED', 'CAPTURING', 'CAPTURED', 'VOIDING', 'VOIDED', 'EXPIRED',
      'PARTIALLY_REFUNDED', 'REFUNDED'
    )
  ),
  constraint payments_captured check (
    captured_minor = case when state in ('CAPTURED', 'PARTIALLY_REFUNDED', 'REFUNDED') then amount_minor else 0 end
  ),
  constraint payments_refunded check (
    refunded_minor >= 0 and refunding_minor >= 0 and refunding_minor <= captured_minor - refunded_minor
  ),
  constraint payments_refund_state check (
    case state
      when 'REFUNDED' then refunded_minor = captured_minor
      when 'PARTIALLY_REFUNDED' then refunded_minor > 0 and refunded_minor < captured_minor
      else refunded_minor = 0
    end
  ),
  constraint payments_declined check ((state = 'DECLINED') = (decline_reason <> '')),
  constraint payments_method check (state <> 'AUTHORIZING' or payment_method is not null),
  constraint payments_authorization check (
    state in ('AUTHORIZING', 'DECLINED', 'VOIDING', 'VOIDED') or authorization_id is not null
  )
);

-- An order is paid once: another payment of it may only be made where the first was declined.
create unique index payments_one_alive on payments (order_id) where state <> 'DECLINED';

create index payments_of_order on payments (order_id, id);
create index payments_of_user on payments (user_id, id);

-- Each request to the processor, written before the processor hears of it. A refund is a step of kind REFUND.
create table steps (
  -- The reference that the processor knows it by.
  id uuid primary key,
  payment_id uuid not null references payments (id),
  kind text not null check (kind in ('AUTHORIZE', 'CAPTURE', 'VOID', 'REFUND')),
  request_id uuid not null,
  currency text not null,
  amount_minor bigint not null check (amount_minor > 0),
  state text not null check (state in ('PENDING', 'DONE', 'REFUSED')),
  attempts integer not null default 0,
  -- Until then whoever began it is at work; later the worker takes it up.
  lease_expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  -- For ever, also when the idempotency key of the request has expired.
  constraint steps_request unique (kind, request_id)
);

-- Only refunds may be many.
create unique index steps_once on steps (payment_id, kind) where kind <> 'REFUND';

create index steps_of_payment on steps (payment_id);
create index steps_pending on steps (lease_expires_at) where state = 'PENDING';
