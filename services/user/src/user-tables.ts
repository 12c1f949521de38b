import type { Generated, GeneratedAlways, JSONColumnType } from "kysely";
import type { Role, UserState } from "./user.ts";

/** The service's own tables, as migrations/ makes them. */
export interface UserTables {
  users: UserTable;
  sessions: SessionTable;
  signing_keys: SigningKeyTable;
  guesses: GuessTable;
}

interface UserTable {
  id: string;
  email: string | null;
  email_key: GeneratedAlways<string | null>;
  display_name: string | null;
  password_hash: string | null;
  role: Role;
  state: UserState;
  version: bigint;
  created_at: Date;
  updated_at: Date;
}

interface SessionTable {
  id: string;
  user_id: string;
  derivation_key: Buffer;
  token_hash: Buffer;
  previous_token_hash: Generated<Buffer | null>;
  created_at: Date;
  rotated_at: Date;
  expires_at: Date;
}

interface GuessTable {
  account: Buffer;
  expires_at: Date;
}

interface SigningKeyTable {
  kid: string;
  private_jwk: JSONColumnType<Record<string, string>>;
  signs_from: Date;
}
