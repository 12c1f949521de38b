/**
 * Ends the start of a server that the bench runs: its port is the one line that it prints. It lives until its standard
 * input ends, which it does when the bench does, however that ends.
 */
export function announce(port: number): void {
  process.stdout.write(`${port}\n`);
  process.stdin.on("end", () => process.exit()).resume();
}
