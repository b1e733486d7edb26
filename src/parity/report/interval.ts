/** The 97.5th percentile of the normal distribution. */
const Z = 1.959964;

/**
 * Returns Wilson's 95 % confidence interval of a share, both ends between 0 and 1. The share of few events is uncertain:
 * 100 of 100 is at least 0.963.
 */
export function interval(hits: number, total: number): readonly [number, number] {
  if (total === 0) return [0, 1];
  const share = hits / total;
  const square = Z * Z;
  const center = share + square / (2 * total);
  const spread = Z * Math.sqrt((share * (1 - share)) / total + square / (4 * total * total));
  const scale = 1 + square / total;
  return [Math.max(0, (center - spread) / scale), Math.min(1, (center + spread) / scale)];
}
