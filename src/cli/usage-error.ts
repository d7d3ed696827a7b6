/** What a command line gets wrong. The program ends with 2, and says where the usage stands. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'ERR_USAGE';
  /** the command whose --help has the cure; undefined for the program's own */
  command: string | undefined;
}
