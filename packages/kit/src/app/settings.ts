import { makeValidator } from 'envalid';

export { bool, num, port, str, url } from 'envalid';
export { makeValidator };

/** A comma separated list of at least one entry; blanks around entries are dropped. */
export const list = makeValidator<string[]>((input) => {
  const entries = input
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (entries.length === 0) throw new TypeError('it names nothing');
  return entries;
});

/** A port to listen on, 0 to 65535; 0 lets the system choose one. */
export const listenPort = makeValidator<number>((input) => {
  const value = Number(input);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new TypeError(`"${input}" is no port`);
  return value;
});

/** A whole number, 0 or more. */
export const count = makeValidator<number>((input) => {
  const value = Number(input);
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`"${input}" is not a whole number of 0 or more`);
  return value;
});

/** A number from 0 to 1. */
export const ratio = makeValidator<number>((input) => {
  const value = Number(input);
  if (!(value >= 0 && value <= 1)) throw new TypeError(`"${input}" is not between 0 and 1`);
  return value;
});

/** A secret of exactly 32 bytes in hexadecimal. */
export const hexKey = makeValidator<string>((input) => {
  // The value is a secret: it is never repeated in a fault.
  if (!/^[0-9a-f]{64}$/i.test(input)) throw new TypeError('it is not 64 hexadecimal digits');
  return input;
});

/** One Postgres address; it holds a password, so a fault does not repeat it. */
export const postgresUrl = makeValidator<string>((input) => {
  if (!isPostgresUrl(input)) throw new TypeError('it is no postgres:// address');
  return input;
});

/** Postgres addresses, comma separated; they hold passwords, so a fault names an entry by its place only. */
export const postgresUrls = makeValidator<string[]>((input) => {
  const urls = input.split(',').map((entry) => entry.trim());
  const wrong = urls.findIndex((entry) => !isPostgresUrl(entry));
  if (wrong >= 0) throw new TypeError(`entry ${wrong + 1} is no postgres:// address`);
  return urls;
});

function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:$/.test(URL.parse(text)?.protocol ?? '');
}
