import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importsOf, isTest, root, sourceFiles } from './boundaries/imports.ts';
import { ARROWS, layerOf } from './boundaries/layers.ts';

const files = sourceFiles();
const code = files.filter((file) => !isTest(file));
const imports = importsOf(files);
const calls = importsOf(code).filter(({ typesOnly }) => !typesOnly);

/** The workspace that a file is of, `services/area-stats`; undefined for what is none of ours. */
function workspaceOf(path: string): string | undefined {
  return /^(?:(?:packages|services)\/[^/]+|tools|tests)(?=\/)/.exec(path)?.[0];
}

describe('the arrows between the parts', () => {
  it('the files were found', () => {
    expect(new Set(files.map(workspaceOf))).toEqual(
      new Set([
        'packages/bundler',
        'packages/kit',
        'packages/proto',
        'packages/testkit',
        ...['player-state', 'item-location', 'area-stats', 'portal'].map((service) => `services/${service}`),
        'tools',
        'tests',
      ]),
    );
    expect(imports.length).toBeGreaterThan(files.length);
  });

  it('services never import one another, nor tools or tests', () => {
    const wrong = imports.filter(({ from, to }) => {
      const [mine, theirs] = [workspaceOf(from), workspaceOf(to)];
      return mine?.startsWith('services/') && theirs && theirs !== mine && !theirs.startsWith('packages/');
    });
    expect(wrong).toEqual([]);
  });

  it('packages never import services, tools or tests', () => {
    const wrong = imports.filter(
      ({ from, to }) => from.startsWith('packages/') && /^(services|tools|tests)\//.test(to),
    );
    expect(wrong).toEqual([]);
  });

  it('code never imports tests, nor what is made for tests', () => {
    const wrong = importsOf(code).filter(({ from, to }) => {
      const serves = !/^(tools|packages\/testkit)\//.test(from);
      return isTest(to) || (serves && to.startsWith('packages/testkit/'));
    });
    expect(wrong).toEqual([]);
  });

  it('kit imports the contract, Node and npm packages, and nothing else of ours', () => {
    const wrong = importsOf(code).filter(
      ({ from, to }) => from.startsWith('packages/kit/') && workspaceOf(to) && !to.startsWith('packages/kit/'),
    );
    expect(wrong).toEqual([]);
  });

  it('inside a service calls go from main to app to rpc to service to leaves', () => {
    const wrong = calls.flatMap(({ from, to }) => {
      const [, service, path] = /^(services\/[^/]+\/src)\/(.+)$/.exec(from) ?? [];
      if (!service || !to.startsWith(`${service}/`)) return [];
      const [mine, theirs] = [layerOf(path!), layerOf(to.slice(service.length + 1))];
      const allowed: readonly string[] = ARROWS[mine];
      return allowed.includes(theirs) || mine === 'generated' ? [] : [`${from} (${mine}) calls ${to} (${theirs})`];
    });
    expect(wrong).toEqual([]);
  });
});

describe('the words of the kit', () => {
  // What a game has and a backend of any other kind has not.
  const WORDS = ['player', 'item', 'inventory', 'area', 'currency', 'wallet', 'game', 'quest', 'realm'];
  const NOT_CODE = /\/\*[\s\S]*?\*\/|\/\/.*$|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/gm;

  it('no identifier of the kit is a word of the game', () => {
    const wrong = code
      .filter((file) => file.startsWith('packages/kit/'))
      .flatMap((file) => {
        const text = readFileSync(join(root, file), 'utf8').replace(NOT_CODE, '');
        const names = text.match(/[A-Za-z_$][\w$]*/g) ?? [];
        // Words of an identifier: playerId, PlayerState and player_state all hold "player". PLAYER is a role of the contract.
        const parts = names.flatMap((name) => name.match(/[A-Z]?[a-z]+/g) ?? []);
        return parts
          .filter((part) => WORDS.includes(part.toLowerCase().replace(/s$/, '')))
          .map((part) => `${file}: ${part}`);
      });
    expect(wrong).toEqual([]);
  });
});
