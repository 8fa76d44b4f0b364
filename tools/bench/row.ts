import type { Pace } from './figures.ts';
import type { Load } from './load.ts';
import type { Result } from './result.ts';
import type { Stand } from './stand.ts';

/** What a row is given. */
export type Bench = {
  stand: Stand;
  players: number;
  pace: Pace;
  /** Far fewer of everything: to see that it works. */
  short: boolean;
  /** Draws by Zipf's law. */
  load: Load;
  say: (line: string) => void;
};

/** One bench with its reference, by the name that it is asked for. */
export type Row = { name: string; about: string; run: (bench: Bench) => Promise<Result> };
