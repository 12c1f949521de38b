import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { assertPortsFree } from "./port-check.ts";

const host = "127.0.0.1";
const taken = createServer();
const port = await new Promise<number>((resolve) =>
  taken.listen(0, host, () => resolve((taken.address() as AddressInfo).port)),
);
const free = await new Promise<number>((resolve) => {
  const server = createServer().listen(0, host, () => {
    const { port } = server.address() as AddressInfo;
    server.close(() => resolve(port));
  });
});

test("free ports are free, and stay so", async () => {
  await assertPortsFree([{ variable: "USER_PORT", host, port: free }]);
  await assertPortsFree([{ variable: "USER_PORT", host, port: free }]);
});

test("every port in use is named with its variable", async () => {
  const check = assertPortsFree([
    { variable: "USER_PORT", host, port },
    { variable: "ORDER_PORT", host, port: free },
    { variable: "ORDER_ADMIN_PORT", host: "192.0.2.1", port: 9082 },
  ]);
  await expect(check).rejects.toThrow(
    `port ${port} of 127.0.0.1 is in use by another program: stop it, or set USER_PORT to a free port
port 9082 of 192.0.2.1 cannot be had (not an address of this machine): set ORDER_ADMIN_PORT or HOST`,
  );
});

test("an admin port 1000 above the last ports is named", async () => {
  const check = assertPortsFree([{ variable: "USER_ADMIN_PORT", host, port: 65_900 }]);
  await expect(check).rejects.toThrow(
    "USER_ADMIN_PORT is 65900, and there are ports up to 65535: set it to a free one",
  );
});

test("two of ours on one port are named both", async () => {
  const check = assertPortsFree([
    { variable: "GREETER_ADMIN_PORT", host, port: free },
    { variable: "USER_PORT", host, port: free },
  ]);
  await expect(check).rejects.toThrow(
    `GREETER_ADMIN_PORT and USER_PORT are both ${free}: give one of them another port`,
  );
});
