/** The secret that the load signs with and every server checks. */
export const SECRET = 'the-secret-of-the-benchmark';
