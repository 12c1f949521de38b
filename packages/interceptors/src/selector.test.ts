import type { Interceptor, Method } from "@tenon/grpc";
import { expect, test } from "vitest";
import { KINDS, startGreeter } from "./greeter-fixture.ts";
import { allBut, onlyFor } from "./selector.ts";

const isGreet = ({ name }: Method) => name === "Greet";

test("an interceptor sees the methods that match, or all others", async () => {
  const seen: string[] = [];
  const see =
    (tag: string): Interceptor =>
    ({ method }) => ({
      onStart: () => void seen.push(`${tag} ${method.name}`),
    });
  const { greetings } = await startGreeter({ server: [onlyFor(isGreet, see("only")), allBut(isGreet, see("but"))] });
  for (const { invoke } of KINDS) await invoke(greetings);
  expect(seen).toEqual(["only Greet", "but ListGreetings", "but RecordGreetings", "but ChatGreetings"]);
});

test("a method is matched once, however often it is called", async () => {
  let asked = 0;
  const match = () => {
    asked += 1;
    return true;
  };
  const { greetings } = await startGreeter({ server: [onlyFor(match, () => ({}))] });
  for (let n = 0; n < 3; n++) await greetings.greet({ name: "Ada" });
  expect(asked).toBe(1);
});

test("a selected interceptor keeps its name", () => {
  expect(
    onlyFor(isGreet, function tracing() {
      return {};
    }).name,
  ).toBe("tracing");
});
