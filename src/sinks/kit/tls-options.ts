/** TLS options for a broker. Keys and certificates are PEM texts. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** Replaces `\n` in PEM texts by line breaks: PEM texts from environment variables often contain it. */
export function withLineBreaks({ ca, cert, key, ...rest }: TlsOptions): TlsOptions {
  const texts = Object.entries({ ca, cert, key }).filter(([, text]) => text !== undefined);
  return {
    ...rest,
    ...Object.fromEntries(texts.map(([name, text]) => [name, text?.replaceAll('\\n', '\n')])),
  };
}
