-- One row an account, real or not, at which a password was guessed wrongly: known by a keyed hash of its email, which tells
-- nobody's address. It is forgotten at expires_at, which every guess moves further off.
create table guesses (
  account bytea primary key,
  expires_at timestamptz not null
);

create index guesses_by_expiry on guesses (expires_at);
