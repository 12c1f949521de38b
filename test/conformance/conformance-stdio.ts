import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";

const LENGTH_BYTES = 4;

/** The messages that the runner writes to our standard input: each after its length in four bytes. */
export async function* readMessages<D extends DescMessage>(desc: D): AsyncGenerator<MessageShape<D>> {
  let unread = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    unread = Buffer.concat([unread, chunk]);
    while (unread.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + unread.readUInt32BE(0);
      if (unread.length < end) break;
      yield fromBinary(desc, unread.subarray(LENGTH_BYTES, end));
      unread = unread.subarray(end);
    }
  }
}

/** Answers the runner on standard output, in one write, so that answers of calls that run at once do not mix. */
export function writeMessage<D extends DescMessage>(desc: D, message: MessageShape<D>): void {
  const body = toBinary(desc, message);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(body.length);
  process.stdout.write(Buffer.concat([length, body]));
}
