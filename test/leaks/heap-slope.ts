/** What is left on the heap when so many calls have been made. */
export interface HeapPoint {
  readonly calls: number;
  readonly bytes: number;
}

/**
 * How many bytes a call leaves behind: the middle of the slopes between all pairs of points (Theil and Sen), which a cache that
 * fills or one odd measurement hardly moves.
 */
export function heapSlope(points: readonly HeapPoint[]): number {
  const slopes = points.flatMap((from, i) =>
    points.slice(i + 1).map((to) => (to.bytes - from.bytes) / (to.calls - from.calls)),
  );
  slopes.sort((a, b) => a - b);
  const middle = slopes[Math.floor(slopes.length / 2)];
  if (middle === undefined) throw new Error("one point has no slope");
  return middle;
}
