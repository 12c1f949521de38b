import type { ColumnType, Generated } from "kysely";
import type { Finding } from "./finding.ts";

/** What reconciliation keeps for itself. */
export interface FindingTables {
  findings: {
    id: string;
    kind: Finding["kind"];
    reference: string;
    payment_id: string | null;
    description: string;
    action: Finding["action"];
    created_at: Date;
    looked_at: Date;
    resolved_at: Date | null;
  };
  statement_cursor: { page_token: string; only_row: ColumnType<boolean, never, never> & Generated<boolean> };
}
