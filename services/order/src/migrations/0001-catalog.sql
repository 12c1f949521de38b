create table products (
  id uuid primary key,
  sku text not null constraint products_sku_taken unique check (sku ~ '^[A-Z0-9-]{1,64}$'),
  name text not null check (char_length(name) between 1 and 200),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  price_minor bigint not null check (price_minor > 0),
  state text not null constraint products_state check (state in ('ACTIVE', 'DISCONTINUED')),
  version bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
