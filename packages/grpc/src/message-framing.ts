const PREFIX_BYTES = 5;

/** Follows the length-prefixed messages of a stream (one byte of flags, four of length) without keeping them. */
export class MessageFraming {
  private prefixRead = 0;
  private length = 0;
  private left = 0;

  /** A message has begun and is not complete. */
  get withinMessage(): boolean {
    return this.prefixRead > 0;
  }

  /** False where a message is flagged as compressed and may not be, or has flags that gRPC does not know. */
  follow(chunk: Uint8Array, compressed: boolean): boolean {
    for (let at = 0; at < chunk.length; ) {
      if (this.prefixRead < PREFIX_BYTES) {
        const byte = chunk[at] as number;
        at += 1;
        if (this.prefixRead > 0) this.length = this.length * 256 + byte;
        else if (byte > (compressed ? 1 : 0)) return false;
        else this.length = 0;
        this.prefixRead += 1;
        if (this.prefixRead === PREFIX_BYTES) this.left = this.length;
      } else {
        const part = Math.min(this.left, chunk.length - at);
        at += part;
        this.left -= part;
      }
      if (this.prefixRead === PREFIX_BYTES && this.left === 0) this.prefixRead = 0;
    }
    return true;
  }
}
