/** Why the operating system refused something, in words for the person who started us. */
export function systemReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return (code !== undefined && WORDS[code]) || code || (error instanceof Error ? error.message : String(error));
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOENT: "it is missing",
  ENOSPC: "no space left",
  ENOTDIR: "a part of its path is a file",
  EEXIST: "it is a file",
  EADDRINUSE: "in use",
  EADDRNOTAVAIL: "not an address of this machine",
};
