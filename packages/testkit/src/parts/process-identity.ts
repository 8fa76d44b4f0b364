import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

// Field 22 of /proc/<pid>/stat, counted from the state, which is the first field after the command's name.
const STATE = 0;
const START_TIME = 19;

/**
 * When the process with this id started, as an opaque text; undefined when no such process runs (a zombie does
 * not run). Two processes that had the same id one after the other differ in it, so id and start time together
 * name one process.
 */
export function startedAt(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[STATE] === 'Z' || fields[STATE] === 'X') return undefined;
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return `${boot}/${fields[START_TIME]}`;
    } catch {
      return undefined;
    }
  }
  const [state, ...start] = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' })
    .stdout.trim()
    .split(/\s+/);
  return state === undefined || state === '' || state.startsWith('Z') ? undefined : start.join(' ');
}

/** The command line of a process, or undefined when it is not there. */
export function commandLine(pid: number): string | undefined {
  const line = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
  return line === '' ? undefined : line;
}
