-- The private keys lie here as they are. What encrypted them would have to lie beside the database's password, in the
-- same environment, and whoever can read this table can write users' roles as well. SIGNING_KEY_FILE keeps them elsewhere.
create table signing_keys (
  kid text primary key,
  private_jwk jsonb not null,
  signs_from timestamptz not null
);
