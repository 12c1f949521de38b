import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** A certificate and its key, PEM. */
export interface TestIdentity {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** By default from an hour ago to an hour from now. */
export interface Validity {
  from?: Date;
  to?: Date;
}

/** A root that issues certificates for tests, for an hour from now. Its own is `cert`. */
export interface TestAuthority {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** `names` are DNS names, IPv4 addresses or URIs, as `spiffe://tenon/order`. */
  issue(names: readonly string[], validity?: Validity): TestIdentity;
}

export function createTestAuthority(name = "test root"): TestAuthority {
  const root = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const certify = (subject: string, publicKey: KeyObject, extensions: Buffer, validity: Validity = {}): Buffer => {
    const { from = hoursFromNow(-1), to = hoursFromNow(1) } = validity;
    const times = [from, to].map((at) => tlv(0x18, time(at)));
    const tbs = seq(
      tlv(0xa0, tlv(0x02, Buffer.from([2]))),
      tlv(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
      ECDSA_WITH_SHA256,
      nameOf(name),
      seq(...times),
      nameOf(subject),
      publicKey.export({ type: "spki", format: "der" }),
      tlv(0xa3, seq(extensions)),
    );
    const signature = Buffer.concat([Buffer.from([0]), sign("sha256", tbs, root.privateKey)]);
    return pem(seq(tbs, ECDSA_WITH_SHA256, tlv(0x03, signature)));
  };
  const isAuthority = seq(
    oid("551d13"),
    tlv(0x01, Buffer.from([0xff])),
    tlv(0x04, seq(tlv(0x01, Buffer.from([0xff])))),
  );
  return {
    cert: certify(name, root.publicKey, isAuthority),
    key: Buffer.from(root.privateKey.export({ type: "pkcs8", format: "pem" })),
    issue(names, validity) {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const alternatives = seq(oid("551d11"), tlv(0x04, seq(...names.map(alternativeName))));
      const key = Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" }));
      return { cert: certify(names[0] ?? "nobody", publicKey, alternatives, validity), key };
    },
  };
}

const hoursFromNow = (hours: number) => new Date(Date.now() + hours * 3_600_000);

// DER (X.690), as much of it as a certificate (RFC 5280) needs

function tlv(tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const size = body.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}
const seq = (...parts: Buffer[]): Buffer => tlv(0x30, ...parts);
const oid = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, "hex"));
const nameOf = (text: string): Buffer => seq(tlv(0x31, seq(oid("550403"), tlv(0x0c, Buffer.from(text)))));
const time = (at: Date): Buffer => Buffer.from(`${at.toISOString().replaceAll(/[-:T]|\..*/g, "")}Z`);
const ECDSA_WITH_SHA256 = seq(oid("2a8648ce3d040302"));

function alternativeName(name: string): Buffer {
  if (/^[\d.]+$/.test(name)) return tlv(0x87, Buffer.from(name.split(".").map(Number)));
  return tlv(name.includes("://") ? 0x86 : 0x82, Buffer.from(name));
}

const pem = (der: Buffer): Buffer =>
  Buffer.from(`-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`);
