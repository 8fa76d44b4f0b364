/** Where a user plays. */
export type Presence = { areaCode: string; multiplayerMode: string; userId: string };
