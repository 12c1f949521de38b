-- Whom the greeter was told to greet. The id is the order of recording: lists go down from the latest.
create table recorded_names (
  id bigint generated always as identity primary key,
  name text not null check (char_length(name) between 1 and 200),
  recorded_at timestamptz not null
);
