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
};

/** What came of one verification; of many findings the first ones. */
export type Outcome = { says: string; checked: number; broken: number; first: Finding[] };

const FIRST = 20;

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
