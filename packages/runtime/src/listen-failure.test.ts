import { StartError } from "@tenon/errors";
import { expect, test } from "vitest";
import { listenFailure } from "./listen-failure.ts";

for (const [said, told] of [
  [
    "listen EADDRINUSE: address already in use",
    /^order cannot listen on 127\.0\.0\.1, port 8082: it is in use; .*PORT \(ORDER_PORT/,
  ],
  ["listen EACCES: permission denied", /^order cannot listen on 127\.0\.0\.1, port 8082: not allowed/],
  ["listen EADDRNOTAVAIL: address not available", /HOST is not an address of this machine$/],
  ["Name resolution failed for target dns:nowhere", /HOST is not an address of this machine$/],
  ["something\nelse", /^order cannot listen on 127\.0\.0\.1, port 8082 \(PORT\): something$/],
] as const) {
  test(`"${said.replace("\n", " ")}" becomes one line that names port and variable`, () => {
    const error = listenFailure(new Error(said), { name: "order", variable: "PORT", host: "127.0.0.1", port: 8082 });
    expect(error).toBeInstanceOf(StartError);
    expect(error.message).toMatch(told);
    expect(error.message).not.toContain("\n");
  });
}
