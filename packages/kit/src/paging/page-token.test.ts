import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPageTokens } from './page-token.ts';

const key = randomBytes(32).toString('hex');
const tokens = createPageTokens({ key });
const others = createPageTokens({ key: randomBytes(32).toString('hex') });

// -0 has no JSON of its own.
const cursor = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const wal = fc.option(fc.record({ timeline: fc.nat(), lsn: fc.stringMatching(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/) }), {
  nil: undefined,
});

test('a token opens to what was signed, for its own query and key only', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), cursor, wal, (query, otherQuery, start, position) => {
      const token = tokens.sign({ query, cursor: start, wal: position });
      expect(token).toMatch(/^[\w-]+$/);
      expect(tokens.open(query, token)).toEqual({ cursor: start, ...(position && { wal: position }) });
      if (otherQuery !== query) expect(tokens.open(otherQuery, token)).toBeUndefined();
      expect(others.open(query, token)).toBeUndefined();
    }),
  );
});

test('a token that was altered in any way does not open', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ .';
  fc.assert(
    fc.property(
      fc.string(),
      cursor,
      fc.nat(),
      fc.constantFrom(...alphabet),
      fc.boolean(),
      (query, start, at, character, insert) => {
        const token = tokens.sign({ query, cursor: start });
        const place = at % (token.length + 1);
        const altered = token.slice(0, place) + character + token.slice(insert ? place : place + 1);
        if (altered !== token) expect(tokens.open(query, altered)).toBeUndefined();
        expect(tokens.open(query, token.slice(0, place % token.length))).toBeUndefined();
      },
    ),
  );
  fc.assert(fc.property(fc.string(), (rubbish) => tokens.open('', rubbish) === undefined));
});

test('a token of a keyset cursor with its position stays under 120 characters', () => {
  const token = tokens.sign({
    query: 'ListItems?owner=1',
    cursor: '0199b1f2-7c3e-7d4a-9f00-1234567890ab',
    wal: { timeline: 12, lsn: '3A/9F2C8810' },
  });
  expect(token.length).toBeLessThan(120);
});

test('a key that is short or not hexadecimal is refused', () => {
  for (const bad of ['', 'ab', 'z'.repeat(64), `${key}0`])
    expect(() => createPageTokens({ key: bad })).toThrow('at least 32 bytes');
});
