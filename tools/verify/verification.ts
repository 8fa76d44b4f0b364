/** Something that should not be, by the id of what it is about. */
export type Finding = { id: string; what: string };

/** One thing that must hold of the data, and how it is looked at. */
export type Verification = {
  /** The number of the invariant, and what it says of the data. */
  says: string;
  /** How many rows there are to look at, about. */
  rows(): Promise<number>;
  /** Looks at all of them, some at a time; `advance` hears how many rows were done. */
  run(advance: (rows: number) => void): AsyncIterable<Finding>;
  /** Mends what is broken, by ids that were found, at most 1,000 of them; absent: nothing can. Answers how many rows it changed. */
  repair?: (ids: string[]) => Promise<number>;
};

/** What came of one verification; of many findings the first ones. */
export type Outcome = { says: string; checked: number; broken: number; first: Finding[] };

const FIRST = 20;
const REPAIRED_AT_ONCE = 1_000;

/** Mends all that is broken. Answers how many rows were changed. */
export async function repair({ run, repair: mend }: Verification): Promise<number> {
  if (!mend) return 0;
  const ids: string[] = [];
  for await (const { id } of run(() => {})) ids.push(id);
  let rows = 0;
  for (let done = 0; done < ids.length; done += REPAIRED_AT_ONCE) {
    rows += await mend(ids.slice(done, done + REPAIRED_AT_ONCE));
  }
  return rows;
}

/** Does one verification to its end. */
export async function verify(verification: Verification, advance: (rows: number) => void): Promise<Outcome> {
  const outcome: Outcome = { says: verification.says, checked: 0, broken: 0, first: [] };
  const count = (rows: number) => {
    outcome.checked += rows;
    advance(rows);
  };
  for await (const finding of verification.run(count)) {
    outcome.broken += 1;
    if (outcome.first.length < FIRST) outcome.first.push(finding);
  }
  return outcome;
}
