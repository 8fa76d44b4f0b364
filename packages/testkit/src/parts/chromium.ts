import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createBrotliDecompress } from 'node:zlib';
import { cacheFolder } from './cache-folder.ts';
import { onPath } from './on-path.ts';

/** A headless Chromium: the program, and the variables that it needs. */
export type Chromium = { path: string; env: Record<string, string> };

const INSTALLED = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/**
 * How a Chromium is had; undefined when there is none. On Linux on x64 it is that of the npm package @sparticuz/chromium
 * with its libraries and a font, unpacked once for all checkouts of this user; elsewhere the one that is installed.
 */
export function findChromium(): (() => Promise<Chromium>) | undefined {
  if (process.platform === 'linux' && process.arch === 'x64') return packagedChromium;
  const path = INSTALLED.map(onPath).find((found) => found !== undefined) ?? (existsSync(MAC) ? MAC : undefined);
  return path === undefined ? undefined : async () => ({ path, env: {} });
}

async function packagedChromium(): Promise<Chromium> {
  const packed = dirname(dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium'))));
  const { version } = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8')) as { version: string };
  const folder = join(cacheFolder(), `chromium-${version}`);
  const env = { LD_LIBRARY_PATH: join(folder, 'lib'), FONTCONFIG_FILE: join(folder, FONTS_CONF) };
  if (existsSync(folder)) return { path: join(folder, 'chromium'), env };
  // Two processes that unpack at once do not disturb each other: the first to finish gives the folder its name.
  const mine = `${folder}.${process.pid}`;
  try {
    mkdirSync(mine);
    await unpack(join(packed, 'bin', 'chromium.br'), createWriteStream(join(mine, 'chromium'), { mode: 0o755 }));
    for (const archive of ['al2023.tar.br', 'fonts.tar.br']) await untar(join(packed, 'bin', archive), mine);
    writeFileSync(join(mine, FONTS_CONF), fontsConf(folder));
    if (!existsSync(folder)) renameSync(mine, folder);
  } finally {
    rmSync(mine, { recursive: true, force: true });
  }
  return { path: join(folder, 'chromium'), env };
}

const FONTS_CONF = 'local-fonts.conf';

function fontsConf(folder: string): string {
  return `<fontconfig><dir>${folder}/fonts</dir><cachedir>${folder}/fonts-cache</cachedir></fontconfig>\n`;
}

function unpack(packed: string, into: NodeJS.WritableStream): Promise<void> {
  return pipeline(createReadStream(packed), createBrotliDecompress(), into);
}

async function untar(packed: string, folder: string): Promise<void> {
  const tar = spawn('tar', ['-xf', '-', '-C', folder], { stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = once(tar, 'close');
  await unpack(packed, tar.stdin);
  const [status] = await ended;
  if (status !== 0) throw new Error(`${packed} can not be unpacked: tar ended with ${status}`);
}
