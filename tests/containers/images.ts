import { readFileSync } from 'node:fs';
import { buildImage } from '../../tools/images/build.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const { env } = process;

/** The public images of the stores and the ingress; each can be another one by its setting. */
export const POSTGRES_IMAGE = env.POSTGRES_IMAGE || 'postgres:18';
export const VALKEY_IMAGE = env.VALKEY_IMAGE || 'valkey/valkey:9';
export const ENVOY_IMAGE = env.ENVOY_IMAGE || 'envoyproxy/envoy:v1.40.0';

/** Answers the image of a service: the one with the tag IMAGE_TAG, or one that is built now, on BUILD_IMAGE and RUN_IMAGE. */
export async function serviceImage(service: string): Promise<string> {
  if (env.IMAGE_TAG) return `realmkeep/${service}:${env.IMAGE_TAG}`;
  const image = `realmkeep/${service}:tested`;
  const bases = { buildImage: env.BUILD_IMAGE, runImage: env.RUN_IMAGE };
  await buildImage({ service, image, version, revision: 'tested', ...bases });
  return image;
}
