import { expect, test } from 'vitest';
import type { Place } from './connection.ts';
import { followPlaces } from './places.ts';

test('a host that can not be looked up keeps the addresses that it had', async () => {
  const answers: (string[] | Error)[] = [['10.0.0.2', '10.0.0.1'], new Error('no answer'), ['10.0.0.3']];
  const told: Place[][] = [];
  const logger = { info: () => undefined, warn: () => undefined };
  const url = 'postgres://db.test/d';
  const lookup = async () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return answer!;
  };
  const places = followPlaces({ urls: [url], lookup, told: (found) => told.push(found), logger });
  await places.followed;
  await expect
    .poll(() => {
      places.look();
      return told.length;
    })
    .toBeGreaterThan(2);
  places.close();
  const addresses = told.slice(0, 3).map((each) => each.map(({ address }) => address));
  expect(addresses).toEqual([['10.0.0.1', '10.0.0.2'], ['10.0.0.1', '10.0.0.2'], ['10.0.0.3']]);
});
