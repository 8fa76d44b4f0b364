/** The moment at `part` (0 to 1) of the way between two. */
export function moment(from: Date, to: Date, part: number): Date {
  return new Date(from.getTime() + Math.floor((to.getTime() - from.getTime()) * part));
}
