import { expect, test } from "vitest";
import { h2loadArguments, readH2load } from "./h2load.ts";

const output = (finished = "finished in 629.11ms, 4768.66 req/s, 233.66KB/s") => `starting benchmark...
spawning thread #0: 4 total client(s). 3000 total requests
Application protocol: h2c
progress: 100% done

${finished}
requests: 3000 total, 3000 started, 3000 done, 2990 succeeded, 10 failed, 0 errored, 0 timeout
status codes: 2990 2xx, 0 3xx, 10 4xx, 0 5xx
traffic: 147.00KB (150528) total, 15.00KB (15360) headers (space savings 96.32%), 46.88KB (48000) data
                     min         max         mean         sd        +/- sd
time for request:     5.01ms    138.45ms     20.20ms     20.73ms    93.33%
`;

test("successes, bytes of answers and the time are read from what h2load prints", () => {
  expect(readH2load(output())).toEqual({ succeeded: 2990, bodyBytes: 48_000, seconds: expect.closeTo(0.62911) });
});

for (const [time, seconds] of [
  ["881us", 0.000881],
  ["71.70ms", 0.0717],
  ["2.01s", 2.01],
] as const) {
  test(`${time} are ${seconds} s`, () => {
    expect(readH2load(output(`finished in ${time}, 1 req/s, 1B/s`)).seconds).toBeCloseTo(seconds, 8);
  });
}

for (const missing of [/finished.*/, /status codes.*/, /traffic.*/]) {
  test(`an output without ${missing} is an error, with the output`, () => {
    expect(() => readH2load(output().replace(missing, "something else"))).toThrow("something else");
  });
}

const ORDER = { port: 7, path: "/a.B/C", bodyFile: "body", token: "t", connections: 4, streams: 25, calls: 1000 };

test("gRPC's calls share connections, and carry token and deadline", () => {
  const args = h2loadArguments({ ...ORDER, wire: "grpc" }).join(" ");
  expect(args).toContain("-c 4 -m 25 -t 1 -n 1000 -d body");
  expect(args).toContain("-H authorization: Bearer t -H te: trailers -H grpc-timeout: 10S http://127.0.0.1:7/a.B/C");
});

test("over HTTP/1.1 as many calls are under way at once, each on its connection", () => {
  const args = h2loadArguments({ ...ORDER, wire: "json" }).join(" ");
  expect(args).toContain("--h1 -c 100 -t 1 -n 1000 -d body");
  expect(args).not.toContain("-m");
});
