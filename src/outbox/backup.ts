/** The port through which an operator copies the store of a running receiver. */
export interface StoreBackups {
  /**
   * Begins to copy the store into a file of the receiver's own, beside the store. Deliveries go on. Rejects with
   * OVERLOADED while another copy is made or read.
   */
  begin(): Promise<void>;

  state(): Promise<BackupState>;

  /**
   * Takes the finished copy, to read it once. Resolves to its path; the caller calls `discard` when it is read. Rejects
   * with NOT_FOUND if there is none.
   */
  take(): Promise<string>;

  /** Deletes the copy that was taken. */
  discard(): Promise<void>;
}

/** Pages are those of the database; their number may grow during the copy. */
export type BackupState =
  | { readonly state: 'none' }
  | { readonly state: 'copying'; readonly copiedPages: number; readonly totalPages: number }
  | { readonly state: 'copied' }
  | { readonly state: 'failed'; readonly reason: string };
