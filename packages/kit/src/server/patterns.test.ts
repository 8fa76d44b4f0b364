import { RE2JS } from '@bufbuild/re2';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPatternMatcher } from './patterns.ts';

// The shapes that the contract's patterns have.
const PATTERNS = [
  '^[^\\x00-\\x1f\\x7f]*$',
  '^[^\\x00-\\x1f\\x7f]*[^\\x00-\\x20\\x7f][^\\x00-\\x1f\\x7f]*$',
  '^[a-z0-9-]+$',
];

const matches = createPatternMatcher();

test('a pattern matches what RE2 says that it matches, whatever the length of the text', () => {
  const unit = fc.oneof(fc.constantFrom('a', ' ', '-', '\n', '\r', '\0', '\x7f', '\x1f', '\u2028', '😀'), fc.string());
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.array(unit, { maxLength: 20 }).map((units) => units.join('')),
    fc.tuple(unit, fc.integer({ min: 1_000, max: 1_100 })).map(([each, times]) => `${each.repeat(times)}\n`),
  );
  fc.assert(
    fc.property(fc.constantFrom(...PATTERNS), text, (pattern, given) => {
      expect(matches(pattern, given)).toBe(RE2JS.compile(pattern).test(given));
    }),
    { numRuns: 500, seed: 3 },
  );
});

test('a long text that would keep the engine of the platform busy for hours is judged', () => {
  expect(matches(PATTERNS[1]!, `${'a'.repeat(200_000)}\n`)).toBe(false);
});
