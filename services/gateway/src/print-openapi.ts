// `make openapi` keeps what this prints, and a check compares it with what was kept.
import { gatewayApi } from "./gateway-api.ts";

process.stdout.write(`${JSON.stringify(gatewayApi(), undefined, 2)}\n`);
