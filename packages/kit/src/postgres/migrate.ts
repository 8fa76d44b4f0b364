/** Applies kit's own migrations and then the folder's. */
export async function migrate(_options: { url: string; folder: string }): Promise<{ applied: string[] }> {
  throw new Error('the migrations are being built');
}
