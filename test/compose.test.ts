import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readPlatformConfig } from "@tenon/platform";
import { describe, expect, test } from "vitest";
import { type ComposeService, readComposeServices, readDockerfile } from "./compose-file.ts";

const ROOT = join(import.meta.dirname, "..");
const services = readComposeServices();
/** The platform of one process, which the containers are to be alike. */
const { parts } = readPlatformConfig({ env: { DATA_DIR: "/nowhere" } });

/** The variables by which a service is told where another one is. */
const targetsOf = (name: string): string[] =>
  [...readFileSync(join(ROOT, `services/${name}/src/config.ts`), "utf8").matchAll(/^ {2}(\w+_TARGET):/gm)].map(
    ([, variable = ""]) => variable,
  );

const serviceOf = (name: string) => services.get(name) as ComposeService;
const built = [...services].filter(([, { build }]) => build !== undefined);
const lasting = [...services].filter(([name]) => name !== "setup");

describe("docker-compose.yml", () => {
  for (const { name, port } of parts) {
    test(`${name} is published on 127.0.0.1, on its port unless told otherwise`, () => {
      expect(serviceOf(name).build?.args.SERVICE).toBe(name);
      expect(serviceOf(name).ports).toEqual([`127.0.0.1:\${${name.toUpperCase()}_PORT:-${port}}:${port}`]);
    });
  }

  for (const { name } of parts) {
    // Not only whom it calls to do its work: events go the other way round, and a default leads to the container itself.
    const callees = targetsOf(name).map((variable) => variable.replace("_TARGET", "").toLowerCase());
    test(`${name} is told where those are that its configuration asks for: ${callees.join(", ") || "nobody"}`, () => {
      for (const callee of callees) {
        const { port } = parts.find((part) => part.name === callee) ?? { port: 0 };
        const target = serviceOf(name).environment?.[`${callee.toUpperCase()}_TARGET`];
        expect(target, callee).toBe(`dns:///${callee}:${port}`);
      }
      for (const { calls } of parts.filter((part) => part.name === name)) {
        expect(callees).toEqual(expect.arrayContaining([...calls]));
      }
    });
  }

  for (const name of ["order", "payment"]) {
    test(`${name} runs twice under one name, and the second is published nowhere`, () => {
      const [{ ports, ...first }, second] = [serviceOf(name), serviceOf(`${name}-2`)];
      expect(ports).toHaveLength(1);
      expect(second).toEqual(first);
      expect(second.networks?.default?.aliases).toEqual([name]);
    });
  }

  test("nothing else is published, but what the profile has for people", () => {
    const published = [...services].filter(([, { ports, profiles }]) => ports && !profiles).map(([name]) => name);
    expect(published.sort()).toEqual(parts.map(({ name }) => name).sort());
    for (const [name, port] of Object.entries({ prometheus: 9090, grafana: 3000, jaeger: 16686 })) {
      expect(serviceOf(name)).toMatchObject({
        profiles: ["observability"],
        ports: [`127.0.0.1:\${${name.toUpperCase()}_PORT:-${port}}:${port}`],
      });
    }
  });

  for (const [name, service] of lasting) {
    test(`${name} tells its health and comes back, but needs nobody to be healthy`, () => {
      // Jaeger's image has no program that could ask.
      if (name !== "jaeger") expect(service.healthcheck?.test[0]).toBe("CMD");
      expect(service.restart).toBe("unless-stopped");
      for (const { condition } of Object.values(service.depends_on ?? {}))
        expect(condition).not.toBe("service_healthy");
    });
  }

  for (const [name, service] of services) {
    test(`${name} has limits and no rights that it does not need`, () => {
      for (const limit of ["mem_limit", "cpus", "pids_limit"] as const) expect(service[limit], limit).toBeDefined();
      expect(service.cap_drop).toEqual(["ALL"]);
      expect(service.security_opt).toEqual(["no-new-privileges:true"]);
    });
  }

  for (const [name, service] of built) {
    test(`${name} cannot write to itself, and hears signals from its first moment`, () => {
      expect(service).toMatchObject({ read_only: true, init: true });
    });

    test(`${name} runs Node itself, and sees no secrets but its own`, () => {
      if (service.command) expect(service.command[0]).toBe("node");
      const secrets = (service.volumes ?? []).filter((volume) => String(volume).includes("-secrets"));
      if (name === "setup") expect(service.network_mode).toBe("none");
      else if (name === "gateway") expect(secrets).toEqual([]);
      else expect(secrets).toEqual([`${service.build?.args.SERVICE}-secrets:/run/tenon:ro`]);
    });
  }

  test("services believe the gateway alone about whom a call comes from", () => {
    const address = serviceOf("gateway").networks?.default?.ipv4_address;
    expect(address).toMatch(/\.200$/); // Others get one of the first half: nobody else can have it.
    for (const { name } of parts.filter(({ name }) => name !== "gateway")) {
      expect(serviceOf(name).environment?.TRUSTED_PROXIES, name).toBe(address);
    }
    expect(serviceOf("gateway").environment?.TRUSTED_PROXIES).toBe(`\${TRUSTED_PROXIES:-}`);
  });

  test("the setup makes what every service with secrets mounts", () => {
    const owners = parts.map(({ name }) => name).filter((name) => name !== "gateway");
    expect(serviceOf("setup").environment?.SERVICES?.split(" ").sort()).toEqual([...owners].sort());
    expect([...(serviceOf("setup").volumes ?? [])].sort()).toEqual(
      [
        "nats-data:/secrets/nats-data",
        ...[...owners, "postgres", "nats"].map((name) => `${name}-secrets:/secrets/${name}`),
      ].sort(),
    );
  });

  test("what it mounts of the repository is there, and may be run", () => {
    const mounted = [...services.values()].flatMap(({ volumes = [] }) =>
      volumes.filter((volume) => typeof volume === "string"),
    );
    const files = mounted.filter((volume) => volume.startsWith("./")).map((volume) => volume.split(":")[0] as string);
    expect(files).toEqual(expect.arrayContaining(["./deploy/compose/databases.sh", "./deploy/compose/nats.conf"]));
    for (const file of files) expect(existsSync(join(ROOT, file)), file).toBe(true);
    expect(statSync(join(ROOT, "deploy/compose/databases.sh")).mode & 0o111).not.toBe(0);
  });

  test("no password stands in it that still holds after the first start", () => {
    const secret = /password|secret|token/i;
    const found = [...services].flatMap(([name, { environment = {} }]) =>
      Object.entries(environment)
        .filter(([variable]) => secret.test(variable))
        .map(([variable, value]) => [name, variable, value]),
    );
    expect(found).toEqual([
      ["user", "ADMIN_PASSWORD_FILE", `\${ADMIN_PASSWORD_FILE:-}`],
      ["postgres", "POSTGRES_PASSWORD", "postgres"], // databases.sh takes it away
    ]);
  });
});

describe("Dockerfile", () => {
  const lines = readDockerfile();
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith("FROM")));

  test("every engine can build it: nothing of BuildKit's own", () => {
    expect(lines.filter((line) => /--mount|--link|--parents|<<\S/.test(line))).toEqual([]);
    expect(last[0]).toMatch(/ AS service$/);
  });

  test("the image runs Node, in exec form, as a number that is not root's", () => {
    expect(last.at(-1)).toBe('CMD ["node", "src/main.ts"]');
    expect(last.find((line) => line.startsWith("USER"))).toMatch(/^USER [1-9]\d*:[1-9]\d*$/);
  });

  test("what all services share comes before what makes one of them", () => {
    const service = last.indexOf("ARG SERVICE");
    expect(last.slice(0, service).filter((line) => line.includes("SERVICE"))).toEqual([]);
    expect(last.slice(0, service).filter((line) => line.startsWith("COPY"))).not.toEqual([]);
  });

  test("what it copies and runs is in the repository", () => {
    const asked = [...services.values()].flatMap(({ healthcheck }) => healthcheck?.test ?? []);
    for (const path of asked.filter((word) => word.startsWith("/app/"))) {
      expect(existsSync(join(ROOT, path.slice("/app/".length))), path).toBe(true);
    }
  });

  test("each service can be one: it has a main.ts, and what it exports can be loaded", () => {
    for (const name of new Set(built.map(([, { build }]) => build?.args.SERVICE))) {
      expect(globSync(`services/${name}/src/main.ts`, { cwd: ROOT }), name).toHaveLength(1);
    }
  });
});
