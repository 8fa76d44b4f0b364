/** Tells the story: chapters, what is said, and what was called and answered. */
export type Narrator = {
  chapter: (title: string) => void;
  say: (line: string) => void;
  /** A call and its real answer, with the milliseconds between. */
  heard: (call: string, answer: string, sinceMs: number) => void;
};

/** A narrator that writes to `write`; colours only where a terminal shows them. */
export function createNarrator(write: (text: string) => void, colours: boolean): Narrator {
  const paint = (code: number, text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    chapter: (title) => write(`\n${paint(1, title)}\n`),
    say: (line) => write(`  ${line}\n`),
    heard: (call, answer, sinceMs) =>
      write(`    ${paint(36, call)}  ${paint(2, `${sinceMs.toFixed(0)} ms`)}\n      ${paint(32, answer)}\n`),
  };
}
