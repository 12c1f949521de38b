export { createTestIssuer, type TestIssuer, type TestIssuerOptions, type TestUser } from "./test-issuer.ts";
