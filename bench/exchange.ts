import { create, type DescMessage, equals, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";

/** One call on a wire. */
export interface Exchange {
  readonly path: string;
  readonly body: Buffer;
  /** Whether an answer is the one that the work gives. */
  accepts(body: Buffer): boolean;
}

/** Flags and length, before each message on the wire. */
const FRAME_PREFIX_BYTES = 5;

/** A call of a method, by its request and the responses that it must get. */
export function grpcExchange(
  method: { name: string; parent: { typeName: string }; input: DescMessage; output: DescMessage },
  request: object,
  responses: readonly object[],
): Exchange {
  const { input, output } = method;
  const expected = responses.map((response) => create(output, response as never));
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    body: toFrame(toBinary(input, create(input, request as never))),
    accepts: (body) => sameMessages(output, framesOf(body), expected),
  };
}

function sameMessages(schema: DescMessage, frames: readonly Buffer[], expected: readonly Message[]): boolean {
  return (
    frames.length === expected.length &&
    frames.every((frame, i) => equals(schema, fromBinary(schema, frame), expected[i] as Message))
  );
}

/** The same over JSON, which has no streams: servers send such an answer as one object a line. */
export function jsonExchange(path: string, request: object, responses: readonly object[]): Exchange {
  const expected = responses.map((response) => JSON.stringify(response)).join("\n");
  return {
    path,
    body: Buffer.from(JSON.stringify(request)),
    accepts: (body) => body.toString().trimEnd() === expected,
  };
}

/** A message as gRPC sends it: a byte of flags, four of length, the message. */
export function toFrame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(FRAME_PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** The messages of a whole body; one that is cut off or compressed is an error. */
export function framesOf(body: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const start = at + FRAME_PREFIX_BYTES;
    if (start > body.length || body[at] !== 0) throw new Error(`no message begins at byte ${at}`);
    at = start + body.readUInt32BE(start - 4);
    if (at > body.length) throw new Error("the last message is cut off");
    frames.push(body.subarray(start, at));
  }
  return frames;
}
