import { expect, test } from 'vitest';
import { formatTraceparent, parseTraceparent } from './trace.ts';

test('a traceparent is written as it was read', () => {
  for (const header of [`00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`, `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-00`]) {
    expect(formatTraceparent(parseTraceparent(header))).toBe(header);
  }
});

test('what is no traceparent is none', () => {
  for (const header of [
    '',
    'x',
    `00-${'0'.repeat(32)}-${'b2'.repeat(8)}-01`,
    `00-${'a1'.repeat(16)}-${'0'.repeat(16)}-01`,
  ]) {
    expect(parseTraceparent(header)).toBeUndefined();
  }
});
