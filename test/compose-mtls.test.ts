import { readPlatformConfig } from "@tenon/platform";
import { describe, expect, test } from "vitest";
import { type ComposeService, readComposeServices } from "./compose-file.ts";

const base = readComposeServices();
const services = readComposeServices("docker-compose.mtls.yml");
const { parts } = readPlatformConfig({ env: { DATA_DIR: "/nowhere" } });
const serviceOf = (name: string) => services.get(name) as ComposeService;
const names = [...parts.map(({ name }) => name), "order-2", "payment-2"];

describe("docker-compose.mtls.yml", () => {
  test("every replica of every service has certificates, and waits for them", () => {
    expect([...services.keys()].sort()).toEqual([...names, "certificates"].sort());
    for (const name of names) {
      const { environment, depends_on } = serviceOf(name);
      expect(environment, name).toEqual({
        TLS_CERT_FILE: "/run/tenon/tls.crt",
        TLS_KEY_FILE: "/run/tenon/tls.key",
        TLS_CA_FILE: "/run/tenon/ca.crt",
      });
      expect(depends_on, name).toEqual({ certificates: { condition: "service_completed_successfully" } });
    }
  });

  test("the certificates are made where their owners alone see them, and the root's key where nobody does", () => {
    const { environment, volumes } = serviceOf("certificates");
    const owners = parts.map(({ name }) => name);
    expect(environment?.SERVICES?.split(" ").sort()).toEqual([...owners].sort());
    expect([...(volumes ?? [])].sort()).toEqual(
      [...owners, "authority", "client"].map((name) => `${name}-secrets:/secrets/${name}`).sort(),
    );
    expect(serviceOf("gateway").volumes).toEqual(["gateway-secrets:/run/tenon:ro"]);
    const mounted = [...base.values(), ...services.values()].flatMap(({ volumes = [] }) => volumes);
    expect(mounted.filter((volume) => String(volume).startsWith("authority-secrets"))).toHaveLength(1);
  });

  test("the service of certificates has limits and no rights that it does not need, like the setup", () => {
    const { build, command, environment, volumes, ...rest } = serviceOf("certificates");
    const { build: setupBuild, environment: _, volumes: __, ...setup } = base.get("setup") as ComposeService;
    expect(build).toEqual(setupBuild);
    expect(command).toEqual(["node", "src/issue-certificates.ts"]);
    expect(rest).toEqual(setup);
  });
});
