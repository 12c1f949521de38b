import pg from "pg";

/** One statement and its values. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** How PostgreSQL answered a statement. */
export interface Answer {
  /** Such as `SELECT` or `COMMIT`. */
  readonly command: string;
  /** Rows that were found or changed; 0 where the command has none. */
  readonly count: number;
  readonly rows: Record<string, unknown>[];
}

/**
 * Sends statements to PostgreSQL in one message, and resolves with an answer for each. The first one that fails is the last
 * that is executed, and its error is all that comes back: with one Sync behind them, PostgreSQL skips the rest (PostgreSQL
 * protocol, "Pipelining"). Outside of a transaction they are one. Each text is parsed once for each connection, and planned
 * once where PostgreSQL finds that to be good enough.
 */
export async function sendStatements(client: pg.ClientBase, statements: readonly Statement[]): Promise<Answer[]> {
  const answers = await new Promise<RawAnswer[]>((resolve, reject) => {
    const done = (error: unknown, answers: RawAnswer[] = []) => (error ? reject(error) : resolve(answers));
    client.query(new RoundTrip(client, statements, done));
  });
  return answers.map(toAnswer);
}

/** Texts that a connection keeps prepared; the statements of a service are fewer. Others are parsed each time. */
const PREPARED_MAX = 200;

interface Prepared {
  /** Empty: it is forgotten with the next one of no name. */
  readonly name: string;
  /** Of its rows. Known once it has answered, and then it is prepared for certain. */
  columns?: readonly Column[];
}

interface Column {
  readonly name: string;
  readonly parse: (text: string) => unknown;
}

/** An answer as it came. */
export interface RawAnswer {
  /** The command, and the number of rows where it has one: `INSERT 0 1`. */
  readonly text: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly (string | null)[])[];
}

function toAnswer({ text, columns, rows }: RawAnswer): Answer {
  const [command = "", ...numbers] = text.split(" ");
  const toRow = (values: readonly (string | null)[]) => {
    const row: Record<string, unknown> = {};
    columns.forEach(({ name, parse }, index) => {
      const value = values[index] ?? null;
      row[name] = value === null ? null : parse(value);
    });
    return row;
  };
  return { command, count: Number(numbers.at(-1) ?? 0), rows: rows.map(toRow) };
}

const PREPARED = new WeakMap<pg.ClientBase, Map<string, Prepared>>();

function preparedOf(client: pg.ClientBase, sql: string): Prepared {
  const all = PREPARED.get(client) ?? new Map<string, Prepared>();
  PREPARED.set(client, all);
  const known = all.get(sql);
  if (known) return known;
  if (all.size >= PREPARED_MAX) return { name: "" };
  const prepared = { name: `s${all.size}` };
  all.set(sql, prepared);
  return prepared;
}

/** A query as pg's client takes it from others, such as cursors: it is told of every message that answers it. */
export class RoundTrip implements pg.Submittable {
  /** Called once; pg puts its own around it, to watch the time. */
  callback: (error: unknown, answers?: RawAnswer[]) => void;
  readonly #client: pg.ClientBase;
  readonly statements: readonly Statement[];
  readonly #sent: readonly { sql: string; values: readonly unknown[]; prepared: Prepared }[];
  readonly #answers: RawAnswer[] = [];
  #rows: (readonly (string | null)[])[] = [];

  constructor(client: pg.ClientBase, statements: readonly Statement[], callback: RoundTrip["callback"]) {
    this.#client = client;
    this.callback = callback;
    // Before anything is sent: a value that cannot be is refused here.
    this.statements = statements;
    this.#sent = statements.map(({ sql, parameters }) => ({
      sql,
      values: parameters.map((value) => prepareValue(value)),
      prepared: preparedOf(client, sql),
    }));
  }

  submit(connection: pg.Connection): void {
    const to = connection as unknown as Frontend;
    to.stream.cork();
    try {
      for (const { sql, values, prepared } of this.#sent) {
        const { name, columns } = prepared;
        if (columns === undefined) {
          // What failed before it answered may be prepared or not. To close what is not there is no error.
          to.close({ type: "S", name });
          to.parse({ name, text: sql });
          to.describe({ type: "S", name });
        }
        to.bind({ statement: name, values });
        to.execute({});
      }
      to.sync();
    } finally {
      to.stream.uncork();
    }
  }

  handleRowDescription({ fields }: { fields: readonly pg.FieldDef[] }): void {
    this.#prepared.columns = fields.map(({ name, dataTypeID }) => ({
      name,
      parse: this.#client.getTypeParser(dataTypeID, "text"),
    }));
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    this.#rows.push(fields);
  }

  handleCommandComplete({ text }: { text: string }): void {
    const prepared = this.#prepared;
    prepared.columns ??= [];
    this.#answers.push({ text, columns: prepared.columns, rows: this.#rows });
    this.#rows = [];
  }

  handleReadyForQuery(): void {
    this.callback(undefined, this.#answers);
  }

  handleError(error: unknown): void {
    this.callback(error);
  }

  /** Of the statement that is answered now. */
  get #prepared(): Prepared {
    const statement = this.#sent[this.#answers.length];
    if (statement === undefined) throw new Error("PostgreSQL answered more statements than were sent");
    return statement.prepared;
  }
}

/** What pg's connection can do, as far as it is used here: its types ask for an argument that is none. */
interface Frontend {
  readonly stream: { cork(): void; uncork(): void };
  close(statement: { type: "S"; name: string }): void;
  parse(statement: { name: string; text: string }): void;
  describe(statement: { type: "S"; name: string }): void;
  bind(statement: { statement: string; values: readonly unknown[] }): void;
  execute(portal: object): void;
  sync(): void;
}

/** Values as text, or bytes, in the way of pg's own queries. */
const { prepareValue } = (pg as unknown as { utils: { prepareValue(value: unknown): string | Buffer | null } }).utils;
