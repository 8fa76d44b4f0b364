import type { Realm } from './realm.ts';

// A player to try the calls with; made by every start, which is one creation however often.
const PLAYER = { player_id: '00000000-0000-4000-8000-000000000ada', display_name: 'Ada' };
const DAY = 24 * 3600;

/** What a newcomer needs: the address, a token for each role, and four calls to paste. */
export async function readyBlock({ address, port, token }: Pick<Realm, 'address' | 'port' | 'token'>): Promise<string> {
  const player = await token({ role: 'player', subject: PLAYER.player_id, expiresIn: DAY });
  const server = await token({ role: 'server', subject: 'local-server', expiresIn: DAY });
  const admin = await token({ role: 'admin', subject: 'local-admin', expiresIn: DAY });
  await createPlayer(address, server);
  const place = port === 8080 ? '' : `REALMKEEP_PORT=${port} `;
  const event = {
    event_id: crypto.randomUUID(),
    area_code: '111',
    multiplayer_mode: 'battle_royale',
    user_id: 'u1',
    event_name: 'LOGIN',
  };
  return `
Realmkeep serves at ${address}

  The API to read and to try, with a token entered at "Authorize": ${address}/docs

  Tokens, good for a day ("npm run token" makes others):
    player ${PLAYER.display_name}  ${player}

    server      ${server}

    admin       ${admin}

  Calls to paste into another terminal, in this folder:
    curl '${address}/stats?area_code=111'

    curl -X POST ${address}/events -H "authorization: Bearer $(npm run -s token -- --role server)" \\
      -d '${JSON.stringify(event)}'

    curl ${address}/v1/players/${PLAYER.player_id}/state \\
      -H "authorization: Bearer $(npm run -s token -- --role player --player ${PLAYER.player_id})"

    ${place}npm run -s call -- PlayerStateService/GetPlayerState '{"player_id":"${PLAYER.player_id}"}' \\
      --token "$(npm run -s token -- --role player --player ${PLAYER.player_id})"

  Ctrl-C stops everything; what was acknowledged is kept in .realmkeep/.
`;
}

async function createPlayer(address: string, token: string): Promise<void> {
  const response = await fetch(`${address}/v1/players`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify(PLAYER),
  });
  const answer = await response.text();
  if (!response.ok && response.status !== 409)
    throw new Error(`the player ${PLAYER.display_name} was refused: ${answer}`);
}
