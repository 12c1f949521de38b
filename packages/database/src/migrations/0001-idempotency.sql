-- What was answered to which request: one row for each request id of each caller and method.
create table idempotency (
  principal text not null,
  method text not null,
  request_id uuid not null,
  -- A keyed hash of the request; the request itself is not kept.
  fingerprint bytea not null,
  -- Who works on it, and until when nobody else may: set while it is not done.
  lease uuid,
  lease_expires_at timestamptz,
  -- The response message as sent, or the failure as told: exactly one of them once it is done.
  response bytea,
  failure text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (principal, method, request_id),
  constraint idempotency_one_state check (num_nonnulls(lease, response, failure) = 1),
  constraint idempotency_lease_expires check ((lease is null) = (lease_expires_at is null))
);

create index idempotency_by_expiry on idempotency (expires_at);
