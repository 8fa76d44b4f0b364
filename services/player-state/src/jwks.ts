import { runJwks } from '@realmkeep/kit/auth/jwks-command';

runJwks();
