import { expect, test } from "vitest";
import { allowedCores } from "./cores.ts";

const status = (list: string) => `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${list}\nMems_allowed:\t1\n`;

for (const [list, cores] of [
  ["0", [0]],
  ["0-1", [0, 1]],
  ["2,4", [2, 4]],
  ["0-2,5,10-11", [0, 1, 2, 5, 10, 11]],
] as const) {
  test(`${list} are the cores ${cores.join(" ")}`, () => {
    expect(allowedCores(status(list))).toEqual(cores);
  });
}

for (const text of [status("x"), status("1-"), "Name:\tnode\n"]) {
  test(`${JSON.stringify(text)} is refused`, () => {
    expect(() => allowedCores(text)).toThrow("not a list of cores");
  });
}
