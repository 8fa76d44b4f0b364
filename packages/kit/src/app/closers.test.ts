import { expect, test } from 'vitest';
import { createLogger } from '../log/logger.ts';
import { createClosers } from './closers.ts';

test('the latest is closed first, a fault holds nothing up, and nothing is closed twice', async () => {
  const lines: string[] = [];
  const closers = createClosers(
    createLogger({ name: 'test', level: 'info' }, { write: (line) => void lines.push(line) }),
  );
  const closed: string[] = [];
  closers.add(async () => closed.push('first'));
  closers.add(() => {
    throw new Error('stuck');
  });
  closers.add(() => closed.push('last'));
  await closers.close();
  await closers.close();
  expect(closed).toEqual(['last', 'first']);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('stuck');
});
