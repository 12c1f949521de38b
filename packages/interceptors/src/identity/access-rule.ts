import { getOption } from "@bufbuild/protobuf";
import type { Method } from "@tenon/grpc";
import * as optionsv1 from "@tenon/options/tenon/options/v1";
import type { Principal } from "./principal.ts";

/** One word of a method's access rule. */
export type AccessWord = "public" | "user" | "admin" | `service:${string}`;

/** Whether a principal may call a method. */
export type AccessRule = (principal: Principal) => boolean;

const nobody: AccessRule = () => false;
const anybody: AccessRule = () => true;

/**
 * The rule that a method's contract declares (`tenon.options.v1.method`, `access`); nobody where it declares none.
 * Throws on a word that means nothing: a rule with a typing error must not start a server.
 */
export function contractRule({ desc, path }: Method): AccessRule {
  if (desc === undefined) return nobody;
  return toAccessRule(getOption(desc, optionsv1.method).access, path);
}

/** The rule of some words, one of which is enough; of none, nobody. `path` is for the error about an unknown word. */
export function toAccessRule(words: readonly string[], path: string): AccessRule {
  const rules = words.map((word) => toRule(word, path));
  if (rules.length === 0) return nobody;
  if (rules.includes(anybody)) return anybody;
  return (principal) => rules.some((allows) => allows(principal));
}

function toRule(word: string, path: string): AccessRule {
  if (word === "public") return anybody;
  if (word === "user") return ({ kind }) => kind === "user";
  if (word === "admin") return (principal) => principal.kind === "user" && principal.role === "admin";
  const service = /^service:([a-z][a-z0-9-]*)$/.exec(word)?.[1];
  if (service === undefined) throw new Error(`${path}: unknown word "${word}" in its access rule`);
  return (principal) => principal.kind === "service" && principal.name === service;
}
