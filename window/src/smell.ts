// A smell (block hash) as a colour: two hues and an angle taken from the hash's last digits, which proof of work
// leaves random. The same hash looks the same wherever it stands, so a previous smell is recognised in the cheese below.

export interface Scent { hue: number; second: number; angle: number }

export function scent(hash: string): Scent {
  const n = Number.parseInt(hash.slice(-8) || "0", 16) || 0;
  const hue = (n & 0xfff) % 360;
  return { hue, second: (hue + 90 + ((n >>> 12) % 180)) % 360, angle: ((n >>> 20) & 0xff) * (360 / 256) };
}

/** How many zero digits a hash starts with: what the work bought. */
export function zeros(hash: string): number {
  return /^0*/.exec(hash)?.[0].length ?? 0;
}

export interface Hole { x: number; y: number; r: number }

/** The holes in a slab's cut face, in a box of 100 by 100, from the hash. */
export function holes(hash: string): Hole[] {
  const digits = hash.slice(-20).padStart(20, "0");
  const at = (i: number) => Number.parseInt(digits[i] ?? "0", 16);
  const spots: Hole[] = [];
  for (let i = 0; i < 5; i++) {
    const spot = { x: 8 + at(i * 4) * 5.6, y: 8 + at(i * 4 + 1) * 5.6, r: 4 + (at(i * 4 + 2) % 8) };
    if (spots.every((s) => Math.hypot(s.x - spot.x, s.y - spot.y) > s.r + spot.r + 4)) spots.push(spot);
  }
  return spots;
}
