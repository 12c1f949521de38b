import type { RecordedName, RecordingStep } from "./greeting.ts";
import { createRecordings, nameRequired, type RecordingsOptions } from "./recording.ts";

/** Where recorded names are kept. */
export interface GreeterRepository {
  /** Stores these names in their order, all of them or none. */
  record(names: readonly string[], recordedAt: Date): Promise<void>;
  /** The latest `limit` names, or the latest of those recorded before one of them. */
  listLatest(page: { limit: number; before?: bigint | undefined }): Promise<readonly RecordedName[]>;
}

export interface GreetingServiceOptions extends RecordingsOptions {
  repository: GreeterRepository;
  now: () => Date;
  /** Names that are read from the repository at a time; by default 500. */
  pageSize?: number;
}

export type GreetingService = ReturnType<typeof createGreetingService>;

/** The rules of greeting. */
export function createGreetingService({ repository, now, pageSize = 500, ...options }: GreetingServiceOptions) {
  const recordings = createRecordings(options);

  /** Each page is read when the one before is used up, so a slow reader costs one page of memory. */
  async function* recordedNames(): AsyncGenerator<string> {
    let before: bigint | undefined;
    for (;;) {
      const page = await repository.listLatest({ limit: pageSize, before });
      for (const { name } of page) yield name;
      before = page.at(-1)?.id;
      if (page.length < pageSize) return;
    }
  }

  return {
    /** The greeting of a name. Throws INVALID_ARGUMENT (NAME_REQUIRED) where it is empty. */
    greet(name: string): string {
      if (name === "") throw nameRequired();
      return `Hello ${name}`;
    },

    /** Who is to be greeted: these names, or without any the recorded ones, the latest first. */
    listNames: (names: readonly string[]): Iterable<string> | AsyncIterable<string> =>
      names.length > 0 ? names : recordedNames(),

    /** Records the names of a whole recording and says how many they were. */
    record: (steps: AsyncIterable<RecordingStep>): Promise<number> =>
      recordings.collect(steps, (names) => repository.record(names, now())),
  };
}
