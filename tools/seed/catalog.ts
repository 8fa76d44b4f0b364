import { createRequire } from 'node:module';

/** An entry of the catalog that is seeded. */
export type CatalogItem = { itemId: string; name: string; kind: string; maxStack: number; version: number };

const require = createRequire(import.meta.url);
const data = 'minecraft-data/minecraft-data/data/pc/1.21.4';

const kinds: [kind: string, name: RegExp][] = [
  ['weapon', /(_sword|bow|trident|mace|shield|^arrow|_arrow)$/],
  ['tool', /(_pickaxe|_axe|_shovel|_hoe|shears|fishing_rod|flint_and_steel|brush|compass|clock|spyglass)$/],
  ['armor', /(_helmet|_chestplate|_leggings|_boots|_horse_armor|elytra)$/],
  ['potion', /(potion|_bottle)$/],
  ['creature', /_spawn_egg$/],
  ['music', /^music_disc_/],
];

/** The catalog of a game that people know: some 1,300 items with their names and stack sizes, in the data's order. */
export function readCatalog(): CatalogItem[] {
  const items: { name: string; displayName: string; stackSize: number }[] = require(`${data}/items.json`);
  const foods = new Set((require(`${data}/foods.json`) as { name: string }[]).map((food) => food.name));
  const kindOf = (name: string) => {
    const named = kinds.find(([, pattern]) => pattern.test(name))?.[0];
    return named ?? (foods.has(name) ? 'food' : 'material');
  };
  const things = items.filter((item) => item.name !== 'air');
  return things.map((item) => ({
    itemId: item.name,
    name: item.displayName,
    kind: kindOf(item.name),
    maxStack: item.stackSize,
    version: 1,
  }));
}
