// Runs a script of this repository on its own Node, after installing what is missing. Plain JavaScript for whatever Node
// (>= 20) the system has, without any dependency, because nothing else is there in a fresh clone:
//   node tools/bootstrap.mjs <script> [arguments]

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const programs = join(modules, '.bin');
const pinnedNode = join(programs, 'node');
const lockFile = join(root, 'package-lock.json');
const stamp = join(modules, '.realmkeep-installed');

const say = (line) => process.stderr.write(`${line}\n`);

function fail(line) {
  say(line);
  process.exit(1);
}

function digest() {
  return createHash('sha256').update(readFileSync(lockFile)).digest('hex');
}

/** Whether node_modules holds what package-lock.json says. */
function isInstalled() {
  if (!existsSync(pinnedNode)) return false;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest()) return true;
  // Installed by npm itself: its own record of what it installed is compared with what is wanted.
  const record = join(modules, '.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  const wanted = Object.entries(JSON.parse(readFileSync(lockFile, 'utf8')).packages);
  const same = wanted.every(([path, { version, link, optional, peer, devOptional }]) => {
    if (!path.startsWith('node_modules/') || link || optional || peer || devOptional) return true;
    return installed[path]?.version === version;
  });
  if (same) writeFileSync(stamp, digest());
  return same;
}

/** `npm ci`, by one process at a time. */
async function install() {
  const lock = join(root, '.realmkeep', 'installing');
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      // The one that holds the lock touches it each second; an old lock was left by a killed one.
      if (Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0) > 10_000)
        rmSync(lock, { recursive: true });
      else await delay(500);
    }
  }
  const touch = setInterval(() => utimesSync(lock, new Date(), new Date()), 1_000);
  try {
    if (isInstalled()) return;
    say('installing the packages of package-lock.json (npm ci)');
    const started = Date.now();
    // The programs of node_modules are off PATH: the installation replaces them, the pinned Node too.
    const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(modules));
    const env = { ...process.env, PATH: path.join(delimiter) };
    const status = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { env, cwd: root });
    if (status !== 0) fail(`npm ci failed (status ${status}): its messages above say why. Mend that and start again.`);
    if (!existsSync(pinnedNode)) {
      fail(
        'npm ci did not install the pinned Node: install scripts are off. Mend it: "npm rebuild node --ignore-scripts=false"',
      );
    }
    writeFileSync(stamp, digest());
    say(`installed in ${Math.round((Date.now() - started) / 1000)} s`);
  } finally {
    clearInterval(touch);
    rmSync(lock, { recursive: true, force: true });
  }
}

/** Runs a command in the foreground; resolves to its exit status. */
function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['inherit', 'inherit', 'inherit'], ...options });
    // A terminal sends its Ctrl-C to the child as well: sent on from here, it would count as a second one.
    const forward = (signal) => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, forward);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      for (const each of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(each, forward);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

const [script, ...args] = process.argv.slice(2);
if (!script) fail('usage: node tools/bootstrap.mjs <script> [arguments]');
const major = Number(process.versions.node.split('.')[0]);
if (major < 20) fail(`Node ${process.versions.node} is too old to install with: Node 20 or newer is needed`);
if (!isInstalled()) await install();
const env = { ...process.env, PATH: [programs, process.env.PATH].join(delimiter) };
process.exitCode = await run(pinnedNode, [script, ...args], { env });
