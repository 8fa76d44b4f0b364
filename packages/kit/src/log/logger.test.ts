import { expect, test } from 'vitest';
import { createLogger } from './logger.ts';

function logged(write: (logger: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  write(createLogger({ name: 'a-service', level: 'info' }, { write: (line) => void lines.push(line) }));
  return lines.map((line) => JSON.parse(line));
}

test('a line is JSON with the service, the level and the time', () => {
  const [line] = logged((logger) => {
    logger.debug('not said');
    logger.info({ port: 1 }, 'said');
  });
  expect(line).toMatchObject({ name: 'a-service', level: 'info', msg: 'said', port: 1 });
  expect(Date.parse(line!.time as string)).toBeGreaterThan(0);
});

test('secrets are blanked, and errors lose what drivers hang on them', () => {
  const fault = Object.assign(new Error('refused'), { code: '28P01', client: { password: 'hunter2' } });
  const lines = logged((logger) => {
    logger.error({ err: fault, authorization: 'Bearer hunter2', headers: { authorization: 'hunter2' } }, 'failed');
  });
  expect(JSON.stringify(lines)).not.toContain('hunter2');
  expect(lines[0]).toMatchObject({ err: { type: 'Error', message: 'refused', code: '28P01' } });
});
