export { documentedPart, toMarkdownTable, toStateDiagram } from "./documented-table.ts";
export { type DatabaseFailure, databaseFailures } from "./failing-database.ts";
export { freePorts } from "./free-ports.ts";
export { implementPart } from "./implement-part.ts";
export { createManualClock, type ManualClock } from "./manual-clock.ts";
export { createMemoryDatabase, type MemoryDatabase, type MemoryTables, untroubledLife } from "./memory-database.ts";
export { findNatsServer } from "./nats-server.ts";
export { createSeededRandom, type SeededRandom } from "./seeded-random.ts";
export {
  createSimulation,
  type Life,
  type SimulatedProcess,
  type SimulatedRequest,
  type Simulation,
} from "./simulation.ts";
export { standsStill } from "./stands-still.ts";
export { createTestAuthority, type TestAuthority, type TestIdentity } from "./test-authority.ts";
export { type TestDatabase, type TestDatabaseOptions, testDatabase } from "./test-database.ts";
export { createTestIssuer, type TestIssuer, type TestIssuerOptions, type TestUser } from "./test-issuer.ts";
export { type TestServer, type TestServerOptions, testServer } from "./test-server.ts";
