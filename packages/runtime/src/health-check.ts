// For containers: `node health-check.ts 8080` exits 0 where the server on that port of this machine is SERVING.
import { askHealth } from "./ask-health.ts";

const [port = "", service = ""] = process.argv.slice(2);
try {
  const status = await askHealth({ address: `127.0.0.1:${port}`, service });
  process.stdout.write(`${status}\n`);
  process.exitCode = status === "SERVING" ? 0 : 1;
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
