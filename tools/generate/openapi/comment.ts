import type { AnyDesc, DescFile } from '@bufbuild/protobuf';
import { getComments } from '@bufbuild/protoplugin';

/** A refusal as an RPC's comment tells it: `NOT_FOUND PLAYER_NOT_FOUND, ITEM_NOT_FOUND: one of them is unknown.` */
export type ToldRefusal = { code: string; reasons: string[]; meaning: string };

const REFUSAL = /^([A-Z][A-Z_]+) ([A-Z][A-Z_]+(?:, [A-Z][A-Z_]+)*): (.+)$/;

/** The comment above an element of the contract, in Markdown: one line for each paragraph or list entry. */
export function commentOf(desc: Exclude<AnyDesc, DescFile>): string {
  const lines = (getComments(desc).leading ?? '').split('\n').map((line) => line.trim());
  const joined: string[] = [];
  for (const line of lines) {
    const last = joined.at(-1);
    if (last === undefined || last === '' || line === '' || REFUSAL.test(line) || line.startsWith('- '))
      joined.push(line);
    else joined[joined.length - 1] = `${last} ${line}`;
  }
  return joined.join('\n').trim();
}

/** Splits an RPC's comment into what the RPC does and what it refuses. */
export function splitRefusals(comment: string): { text: string; refusals: ToldRefusal[] } {
  const text: string[] = [];
  const refusals: ToldRefusal[] = [];
  for (const line of comment.split('\n')) {
    const [, code, reasons, meaning] = REFUSAL.exec(line) ?? [];
    if (code && reasons && meaning) refusals.push({ code, reasons: reasons.split(', '), meaning });
    else text.push(line);
  }
  return { text: text.join('\n').trim(), refusals };
}

/** The comment's first sentence, without its full stop. */
export function summaryOf(comment: string): string {
  const [paragraph = ''] = comment.split('\n');
  return /^.*?(?=[.:](?:\s|$))/.exec(paragraph)?.[0] ?? paragraph;
}
