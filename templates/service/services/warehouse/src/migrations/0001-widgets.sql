create table widgets (
  id uuid primary key,
  owner_id uuid not null,
  name text not null check (char_length(name) between 1 and 200),
  created_at timestamptz not null
);

-- A page of one owner's costs the same wherever it is.
create index widgets_by_owner on widgets (owner_id, id);
