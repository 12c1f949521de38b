import { expect, test } from "vitest";
import { serveThings } from "../things-port-fixture.ts";
import { closeCodeOf, frame, rawSocket } from "./socket-fixture.ts";

const CHAT = "/v1/things:chat";
const plain = await serveThings({ maxBodyBytes: 1000 });

for (const [what, bytes, code] of [
  ["a continuation of nothing", frame({ opcode: 0, payload: "{}" }), 1002],
  [
    "a message within another",
    Buffer.concat([frame({ opcode: 1, payload: "{", fin: false }), frame({ opcode: 1, payload: "}" })]),
    1002,
  ],
  ["an opcode that is not known", frame({ opcode: 3 }), 1002],
  ["a frame without a mask", Buffer.from([0x81, 0x02, 0x7b, 0x7d]), 1002],
  ["a ping of more than 125 bytes", frame({ opcode: 9, payload: "x".repeat(126) }), 1002],
  ["text that is no UTF-8", frame({ opcode: 1, payload: Buffer.from([0xc0, 0xaf]) }), 1007],
  ["a frame that says it is large", frame({ opcode: 1, payload: "{", length: 2 ** 31 }), 1009],
] as const) {
  test(`${what} closes with ${code}`, async () => {
    const socket = await rawSocket(plain.port, CHAT);
    socket.write(bytes);
    expect(await closeCodeOf(socket)).toBe(code);
    socket.destroy();
  });
}
