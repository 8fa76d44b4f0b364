import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { CHART, type Stores } from './render.ts';

/** An object of Kubernetes, as far as it is looked at here. */
export type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  data?: Record<string, string>;
  stringData?: Record<string, string>;
  binaryData?: Record<string, string>;
  spec?: Record<string, unknown>;
};

/** More than this of a file in a ConfigMap is reviewed where the file is. */
const LONGEST_FILE = 2_000;

/** The manifests of a render, by kind and name. */
export function manifestsOf(rendered: string): Manifest[] {
  const place = ({ kind, metadata }: Manifest) => `${kind}/${metadata.name}`;
  return parseAllDocuments(rendered)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null)
    .toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
}

/** The file with the reviewed render of one kind of stores, relative to the root of the checkout. */
export function reviewedFile(stores: Stores): string {
  return join(CHART, 'rendered', `${stores}.yaml`);
}

/**
 * A render as it is reviewed and checked in: sorted, long files as their digests, and without the values of Secrets,
 * which are new in each render.
 */
export function reviewedText(rendered: string): string {
  const note = '# What the chart renders, for review: `npm run generate` writes it. Values of Secrets are left out.\n';
  return (
    note +
    manifestsOf(rendered)
      .map((manifest) => `---\n${stringify(reviewed(manifest), { lineWidth: 0 })}`)
      .join('')
  );
}

function reviewed(manifest: Manifest): Manifest {
  const { data, stringData, binaryData } = manifest;
  const value = manifest.kind === 'Secret' ? () => '(secret)' : digest;
  return {
    ...manifest,
    ...(data && { data: mapped(data, value) }),
    ...(stringData && { stringData: mapped(stringData, value) }),
    ...(binaryData && { binaryData: mapped(binaryData, value) }),
  };
}

function mapped(values: Record<string, string>, change: (value: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}

function digest(value: string): string {
  if (value.length <= LONGEST_FILE) return value;
  return `(${value.length} characters, sha256 ${createHash('sha256').update(value).digest('hex')})`;
}
