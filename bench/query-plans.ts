import pg from "pg";
import type { TracedTrip } from "./sql-trace.ts";

/** How PostgreSQL answers one statement. */
export interface QueryPlan {
  readonly process: string;
  readonly text: string;
  /** The tables that it reads as a whole, and how many rows they have. */
  readonly scanned: readonly { readonly table: string; readonly rows: number }[];
  readonly indexes: readonly string[];
}

const EXPLAINED = /^\s*(select|with|update|delete|insert)\b/i;

/** The plan of each different statement, with the values that it had. Nothing is run. */
export async function readQueryPlans(
  trips: readonly TracedTrip[],
  urls: Readonly<Record<string, string>>,
): Promise<QueryPlan[]> {
  const statements = trips.flatMap((trip) => trip.statements.map((each) => ({ process: trip.process, ...each })));
  const different = new Map(statements.map((each) => [`${each.process} ${each.text}`, each]));
  const plans: QueryPlan[] = [];
  for (const [process, those] of Map.groupBy(different.values(), (each) => each.process)) {
    const client = new pg.Client(urls[process]);
    await client.connect();
    try {
      const { rows } = await client.query<{ relname: string; reltuples: number }>(
        "select relname, reltuples from pg_class where relkind = 'r'",
      );
      const sizes = new Map(rows.map(({ relname, reltuples }) => [relname, Math.max(0, reltuples)]));
      for (const { text, values } of those.filter((each) => EXPLAINED.test(each.text))) {
        const explained = await client.query(`explain (format json) ${text}`, [...values]);
        const nodes = nodesOf(explained.rows[0]["QUERY PLAN"][0].Plan);
        const scans = nodes
          .filter((node) => node["Node Type"] === "Seq Scan")
          .map((node) => String(node["Relation Name"]));
        const indexes = nodes.flatMap((node) => (node["Index Name"] === undefined ? [] : String(node["Index Name"])));
        const scanned = [...new Set(scans)].map((table) => ({ table, rows: sizes.get(table) ?? 0 }));
        plans.push({ process, text, scanned, indexes: [...new Set(indexes)] });
      }
    } finally {
      await client.end();
    }
  }
  return plans;
}

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly Plans?: readonly PlanNode[];
}

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];
