import type pg from "pg";

/** A database and the role that owns it. Names: lower-case letters, digits and `_`. */
export interface Tenant {
  database: string;
  role: string;
}

/** Makes a role with this password and a database of its own, which no other role may connect to. Can be repeated. */
export async function ensureDatabase(admin: pg.Client, { database, role }: Tenant, password: string): Promise<void> {
  for (const name of [database, role]) {
    if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) throw new TypeError(`${name} cannot be the name of a database or role`);
  }
  const { rows } = await admin.query(
    `select exists (select from pg_roles where rolname = $1) as role,
      exists (select from pg_database where datname = $2) as database`,
    [role, database],
  );
  const rights = "login nosuperuser nocreatedb nocreaterole";
  const verb = rows[0].role ? "alter" : "create";
  await admin.query(`${verb} role ${admin.escapeIdentifier(role)} ${rights} password ${admin.escapeLiteral(password)}`);
  const quoted = admin.escapeIdentifier(database);
  if (!rows[0].database) await admin.query(`create database ${quoted} owner ${admin.escapeIdentifier(role)}`);
  await admin.query(`revoke connect, temporary on database ${quoted} from public`);
}
