/** What a caller's token says of it. ANYONE: there is no token. */
export type Role = 'PLAYER' | 'SERVER' | 'ADMIN' | 'SERVICE' | 'ANYONE';

/** The authenticated principal. The subject of a PLAYER is its id, of others their name, of ANYONE empty. */
export type Caller = { subject: string; role: Role };

/** The caller that sent no token. */
export const ANYONE: Caller = Object.freeze({ subject: '', role: 'ANYONE' });
