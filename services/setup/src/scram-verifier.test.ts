import { randomBytes } from "node:crypto";
import pg from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { toScramVerifier } from "./scram-verifier.ts";

test("PostgreSQL lets in who has the password of a verifier, and nobody else", async () => {
  const role = `scram_${randomBytes(6).toString("hex")}`;
  const password = randomBytes(24).toString("base64url");
  const { adminUrl } = inject("postgres");
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  onTestFinished(async () => {
    await admin.query(`drop owned by ${role}`).catch(() => {});
    await admin.query(`drop role if exists ${role}`);
    await admin.end();
  });
  await admin.query(`create role ${role} login password '${toScramVerifier(password)}'`);
  await admin.query(`grant connect on database postgres to ${role}`);

  const connectWith = async (given: string) => {
    const url = new URL(adminUrl);
    Object.assign(url, { username: role, password: given });
    const client = new pg.Client(url.href);
    try {
      await client.connect();
      return (await client.query("select current_user as name")).rows[0].name;
    } finally {
      await client.end();
    }
  };
  expect(await connectWith(password)).toBe(role);
  await expect(connectWith(`${password}x`)).rejects.toMatchObject({ code: "28P01" });
});

test("the same password has another verifier each time, unless the salt is the same", () => {
  expect(toScramVerifier("secret")).not.toBe(toScramVerifier("secret"));
  const salt = Buffer.alloc(16, 1);
  expect(toScramVerifier("secret", { salt })).toBe(toScramVerifier("secret", { salt }));
});
