import { fileURLToPath } from 'node:url';
import { docker } from './docker.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export type BuildOptions = {
  /** The service's folder below `services`. */
  service: string;
  /** The image's whole name: `realmkeep/player-state:0.1.0`. */
  image: string;
  version: string;
  /** The commit it is made of, for the image's label. */
  revision: string;
  /** Base images in the stead of the Dockerfile's. */
  buildImage?: string | undefined;
  runImage?: string | undefined;
};

/** Builds the image of a service and answers its size in bytes. */
export async function buildImage(options: BuildOptions): Promise<number> {
  const { service, image, version, revision, buildImage, runImage } = options;
  const given = {
    SERVICE: service,
    VERSION: version,
    REVISION: revision,
    BUILD_IMAGE: buildImage,
    RUN_IMAGE: runImage,
  };
  const args = Object.entries(given).flatMap(([name, value]) => (value ? ['--build-arg', `${name}=${value}`] : []));
  await docker(['build', '--tag', image, ...args, '.'], ROOT);
  return Number(await docker(['image', 'inspect', '--format', '{{.Size}}', image]));
}
