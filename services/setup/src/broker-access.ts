import { randomBytes } from "node:crypto";
import { readIfThere, writeWhole } from "./whole-file.ts";

export interface BrokerAccessOptions {
  /** Where NATS is, as `nats:4222`. */
  address: string;
  /** The file with a service's NATS_URL, password included, by the service's name: its NATS_URL_FILE. For its owner only. */
  urlFiles: Readonly<Record<string, string>>;
  /** For NATS, to be included in its configuration: whom it lets in. It has the passwords, too. */
  usersFile: string;
}

/**
 * Gives each service a password of its own for NATS, as a user who may publish no events but the service's. Passwords
 * that are there are kept. Rejects with the system's error where it cannot write.
 */
export async function makeBrokerAccess({ address, urlFiles, usersFile }: BrokerAccessOptions): Promise<void> {
  const present = await Promise.all(
    Object.entries(urlFiles).map(async ([name, file]) => ({ name, file, text: await readIfThere(file) })),
  );
  const accounts = present.map((account) => ({
    ...account,
    password: passwordOf(account.text) ?? randomBytes(24).toString("base64url"),
  }));
  const users = `authorization: ${JSON.stringify({ users: accounts.map(toUser) })}`;
  // First: whoever finds the password is let in by it.
  if ((await readIfThere(usersFile)) !== `${users}\n`) await writeWhole(usersFile, users);
  for (const { name, file, text, password } of accounts) {
    const line = `nats://${name}:${password}@${address}`;
    if (text !== `${line}\n`) await writeWhole(file, line);
  }
}

/** Streams are managed by whoever publishes to them, and consumers by whoever listens: both through $JS.API. */
const toUser = ({ name, password }: { name: string; password: string }) => ({
  user: name,
  password,
  permissions: { publish: [`events.${name}.>`, "$JS.API.>", "$JS.ACK.>"], subscribe: ["_INBOX.>"] },
});

const passwordOf = (text: string): string | undefined => /^nats:\/\/[^:/@]+:([\w-]{32})@[^/@]+\n$/.exec(text)?.[1];
